/** Curves of a stack as rows of packed float32, point-major: a point of all its cells is one short substr(). */
import { endianness } from 'node:os';
import type { Database, Statement } from 'better-sqlite3';
import type { Metric } from '#shared/experiment/stack.ts';

/** SQLite reads a blob whole even for a substr() of it, so rows stay small; a longer line is cut at whole points. */
const rowBytes = 32 * 1024;

/** The float32 values of a blob without a copy where alignment allows. Requires a little-endian machine, as TensorFlow does. */
export function floatsOf(data: Uint8Array): Float32Array {
  if (endianness() !== 'LE') throw new Error('Surge Lab needs a little-endian machine');
  const aligned = data.byteOffset % 4 === 0 ? data : data.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}

/** Counts NaN and infinities: those whose exponent bits are all set. */
function countNonFinite(data: Uint8Array): number {
  const values = floatsOf(data);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let found = 0;
  for (let i = 0; i < bits.length; i++) if ((bits[i] & 0x7f800000) === 0x7f800000) found++;
  return found;
}

export interface Block {
  readonly first_point: number;
  readonly points: number;
  readonly cells: number;
  readonly data: Buffer;
}

export class CurveBlocks {
  readonly #insert: Statement<[number, string, number, number, number, number, Buffer]>;
  readonly #overlapping: Statement<[number, string, number, number], Block>;
  readonly #remove: Statement<[number, string, number]>;
  readonly #end: Statement<[number, string], { end: number | null }>;

  constructor(database: Database) {
    this.#insert = database.prepare(
      `INSERT INTO curve_blocks (stack_id, metric, first_point, points, cells, non_finite, data) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#overlapping = database.prepare(
      `SELECT first_point, points, cells, data FROM curve_blocks
       WHERE stack_id = ? AND metric = ? AND first_point + points > ? AND first_point < ? ORDER BY first_point`,
    );
    this.#remove = database.prepare(
      'DELETE FROM curve_blocks WHERE stack_id = ? AND metric = ? AND first_point = ?',
    );
    // The last row ends last, since rows of a metric never overlap.
    this.#end = database.prepare(
      `SELECT first_point + points AS "end" FROM curve_blocks WHERE stack_id = ? AND metric = ?
       ORDER BY first_point DESC LIMIT 1`,
    );
  }

  /** One past the last point stored; 0 when there is none. */
  end(stack: number, metric: Metric): number {
    return this.#end.get(stack, metric)?.end ?? 0;
  }

  /** Adds points that overlap no stored ones (see erase). */
  add(stack: number, metric: Metric, first: number, points: number, cells: number, data: Buffer): void {
    const atOnce = Math.max(1, Math.floor(rowBytes / (4 * cells)));
    for (let done = 0; done < points; done += atOnce) {
      const here = Math.min(atOnce, points - done);
      const part = here === points ? data : data.subarray(4 * cells * done, 4 * cells * (done + here));
      this.#insert.run(stack, metric, first + done, here, cells, countNonFinite(part), part);
    }
  }

  /** Removes points from ≤ p < to, keeping what a row holds outside of that. */
  erase(stack: number, metric: Metric, from: number, to: number): void {
    for (const block of this.#overlapping.all(stack, metric, from, to)) {
      this.#remove.run(stack, metric, block.first_point);
      const width = 4 * block.cells;
      const before = from - block.first_point;
      if (before > 0) {
        this.add(
          stack,
          metric,
          block.first_point,
          before,
          block.cells,
          block.data.subarray(0, width * before),
        );
      }
      const after = block.first_point + block.points - to;
      if (after > 0) {
        this.add(stack, metric, to, after, block.cells, block.data.subarray(width * (block.points - after)));
      }
    }
  }
}
