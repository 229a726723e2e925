/** The trainer's end of the spool: whole JSON lines appended to one file (see protocol.ts). */
import { closeSync, fstatSync, fsyncSync, openSync, readSync } from 'node:fs';
import type { Metric } from '#shared/experiment/stack.ts';
import { writeWhole } from './checkpoint.ts';
import type { SpoolLine } from './protocol.ts';

interface Pending {
  readonly first: number;
  points: number;
  readonly rows: Float32Array[];
}

export class SpoolWriter {
  readonly #descriptor: number;
  readonly #cells: number;
  readonly #pending = new Map<Metric, Pending>();
  #bytes: number;

  constructor(file: string, cells: number) {
    this.#descriptor = openSync(file, 'a+');
    this.#cells = cells;
    this.#bytes = fstatSync(this.#descriptor).size;
    // A killed predecessor may have left half a line; ending it makes it one bad line that readers skip.
    const last = Buffer.alloc(1);
    if (this.#bytes > 0 && readSync(this.#descriptor, last, 0, 1, this.#bytes - 1) === 1 && last[0] !== 0x0a)
      this.#append('\n');
  }

  get bytes(): number {
    return this.#bytes;
  }

  write(line: SpoolLine): void {
    this.flush();
    this.#append(`${JSON.stringify(line)}\n`);
  }

  /** Adds points × cells values of a metric; they are written at the next flush, joined with their neighbours. */
  add(metric: Metric, first: number, points: number, values: Float32Array): void {
    const pending = this.#pending.get(metric);
    if (pending !== undefined && pending.first + pending.points === first) {
      pending.points += points;
      pending.rows.push(values);
      return;
    }
    if (pending !== undefined) this.flush();
    this.#pending.set(metric, { first, points, rows: [values] });
  }

  flush(): void {
    for (const [metric, { first, points, rows }] of this.#pending) {
      const values = Buffer.concat(rows.map((r) => new Uint8Array(r.buffer, r.byteOffset, r.byteLength)));
      const line: SpoolLine = {
        event: 'curve',
        metric,
        first,
        points,
        cells: this.#cells,
        values: values.toString('base64'),
      };
      this.#append(`${JSON.stringify(line)}\n`);
    }
    this.#pending.clear();
  }

  /** Everything written so far survives a power cut. */
  sync(): void {
    this.flush();
    fsyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #append(text: string): void {
    const bytes = Buffer.from(text);
    writeWhole(this.#descriptor, bytes);
    this.#bytes += bytes.length;
  }
}
