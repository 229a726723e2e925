import { randomLcg, randomUniform } from 'd3';

/** Choices of a soak from its seed, so that a failure can be looked for again. */
export class Choices {
  readonly #source: () => number;

  constructor(seed: number) {
    this.#source = randomLcg(seed);
  }

  between(from: number, to: number): number {
    return randomUniform.source(this.#source)(from, to)();
  }

  oneOf<T>(items: readonly T[]): T {
    return items[Math.floor(this.between(0, items.length))];
  }
}
