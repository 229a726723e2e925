/**
 * The order in which a replicate sees the examples: a stream of positions, each epoch a fresh permutation. Step s of
 * batch size B takes positions s·B … s·B + B − 1, so that a replicate meets the same examples in the same order at every
 * learning rate and batch size. With a subset, an epoch is as many examples, drawn anew each time without replacement.
 */
import type { Stream } from './stream.ts';
import { stream } from './stream.ts';

export class ExampleOrder {
  readonly #stream: Stream;
  readonly #examples: number;
  readonly #subset: number;
  #epoch = -1;
  #permutation: Uint32Array = new Uint32Array(0);

  /** @throws RangeError when there is no example to order, or fewer than the subset asks for. */
  constructor(seed: number, examples: number, subset: number = examples) {
    if (!Number.isInteger(examples) || examples < 1 || examples > 0xffffffff)
      throw new RangeError(`an order of examples needs a whole number of them, 1 or more, not ${examples}`);
    if (!Number.isInteger(subset) || subset < 1 || subset > examples)
      throw new RangeError(
        `a subset of ${examples} examples needs a whole number of them, 1 or more, not ${subset}`,
      );
    this.#stream = stream('example-order', seed);
    this.#examples = examples;
    this.#subset = subset;
  }

  /** Writes the example indices of positions first … first + count − 1 to out[offset …]. */
  fill(out: Int32Array, offset: number, first: number, count: number): void {
    const n = this.#subset;
    for (let done = 0; done < count;) {
      const position = first + done;
      const epoch = Math.floor(position / n);
      if (epoch !== this.#epoch) {
        this.#permutation = this.#stream.permutation(epoch, this.#examples);
        this.#epoch = epoch;
      }
      const from = position - epoch * n;
      const run = Math.min(count - done, n - from);
      out.set(this.#permutation.subarray(from, from + run), offset + done);
      done += run;
    }
  }
}
