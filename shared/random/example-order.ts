/**
 * The order in which a replicate sees the examples: a stream of positions, each epoch a fresh permutation. Step s of
 * batch size B takes positions s·B … s·B + B − 1, so that a replicate meets the same examples in the same order at every
 * learning rate and batch size.
 */
import type { Stream } from './stream.ts';
import { stream } from './stream.ts';

export class ExampleOrder {
  readonly #stream: Stream;
  readonly #examples: number;
  #epoch = -1;
  #permutation: Uint32Array = new Uint32Array(0);

  /** @throws RangeError when there is no example to order. */
  constructor(seed: number, examples: number) {
    if (!Number.isInteger(examples) || examples < 1 || examples > 0xffffffff)
      throw new RangeError(`an order of examples needs a whole number of them, 1 or more, not ${examples}`);
    this.#stream = stream('example-order', seed);
    this.#examples = examples;
  }

  /** Writes the example indices of positions first … first + count − 1 to out[offset …]. */
  fill(out: Int32Array, offset: number, first: number, count: number): void {
    const n = this.#examples;
    for (let done = 0; done < count;) {
      const position = first + done;
      const epoch = Math.floor(position / n);
      if (epoch !== this.#epoch) {
        this.#permutation = this.#stream.permutation(epoch, n);
        this.#epoch = epoch;
      }
      const from = position - epoch * n;
      const run = Math.min(count - done, n - from);
      out.set(this.#permutation.subarray(from, from + run), offset + done);
      done += run;
    }
  }
}
