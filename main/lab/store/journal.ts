/**
 * The lab's journal (lab.jsonl): everything the lab itself decided, appended before SQLite is told. The database keeps
 * how far it has come, so a fact that was written just before a crash is applied when the store is opened next.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Fact } from './facts.ts';

export class LabJournal {
  readonly file: string;
  readonly #descriptor: number;
  #size: number;

  constructor(file: string) {
    this.file = file;
    mkdirSync(dirname(file), { recursive: true });
    // 'a+' so that the bytes before the database's offset can be read through the same descriptor.
    this.#descriptor = openSync(file, 'a+');
    this.#size = fstatSync(this.#descriptor).size;
  }

  static exists(file: string): boolean {
    return existsSync(file);
  }

  get descriptor(): number {
    return this.#descriptor;
  }

  get size(): number {
    return this.#size;
  }

  /** Appends one fact; `durable` waits for the disk. Returns the size before, for undo. Nothing is left when it throws. */
  append(fact: Fact, durable: boolean): number {
    const before = this.#size;
    const line = Buffer.from(`${JSON.stringify(fact)}\n`);
    try {
      let written = 0;
      while (written < line.length) written += writeSync(this.#descriptor, line, written);
      if (durable) fdatasyncSync(this.#descriptor);
    } catch (error) {
      this.cut(before);
      throw error;
    }
    this.#size = before + line.length;
    return before;
  }

  /** Takes back what was appended behind `size`: facts that SQLite refused, or a line that a crash tore. */
  cut(size: number): void {
    ftruncateSync(this.#descriptor, size);
    this.#size = size;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
