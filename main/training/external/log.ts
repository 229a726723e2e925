/** What an external program says beside its results: kept in the stack's log file, its end also for a reason in words. */
import { writeWhole } from '../checkpoint.ts';

/** A program that prints for ever must not fill the disk. */
const MOST_BYTES = 32 * 1024 * 1024;
const TAIL_CHARACTERS = 8_000;
const LINES_IN_REASON = 3;
const LINE_CHARACTERS = 300;
/** A terminal would obey them. */
const CONTROL = /\u001b\[[0-9;?]*[ -/]*[@-~]|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

export class ProgramLog {
  readonly #descriptor: number;
  #bytes = 0;
  #isFull = false;
  #tail = '';

  /** The heading says what is run; it is no part of what the program said. */
  constructor(descriptor: number, heading: string) {
    this.#descriptor = descriptor;
    writeWhole(descriptor, Buffer.from(heading));
  }

  /** Throws when the disk is full. */
  write(text: string): void {
    if (text === '') return;
    this.#tail = (this.#tail + text).slice(-TAIL_CHARACTERS);
    if (this.#isFull) return;
    const bytes = Buffer.from(text);
    this.#bytes += bytes.length;
    this.#isFull = this.#bytes > MOST_BYTES;
    writeWhole(
      this.#descriptor,
      this.#isFull ? Buffer.from(`\n[the rest is not kept: more than ${MOST_BYTES} bytes]\n`) : bytes,
    );
  }

  /** Its last lines in one, without what a terminal would obey; '' when it said nothing. */
  lastLines(): string {
    return this.#tail
      .split(/\r\n|\n|\r/)
      .map((line) => line.replaceAll(CONTROL, '').trim())
      .filter((line) => line !== '')
      .slice(-LINES_IN_REASON)
      .map((line) => (line.length > LINE_CHARACTERS ? `${line.slice(0, LINE_CHARACTERS)}…` : line))
      .join(' | ');
  }
}
