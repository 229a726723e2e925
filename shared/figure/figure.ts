/** What every figure function returns, and the notes in which a figure says what it leaves out. */
import type { SvgNode } from './tree.ts';

/** Exactly what is drawn, one row an observation. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

/** Seeds behind a drawn point: fewest and most, out of the planned number. */
export interface SeedCount {
  readonly fewest: number;
  readonly most: number;
  readonly planned: number;
}

/** What a caption must state. */
export interface Caption {
  /** What is drawn, in a sentence. */
  readonly text: string;
  /** Definition of the optimal learning rate. */
  readonly definition: string;
  readonly seeds: SeedCount;
  /** How drawn values are smoothed; nothing is when absent. */
  readonly smoothing?: string;
  /** What is left out or limited, by reason; zero counts are absent. */
  readonly counts: Readonly<Partial<Record<Omission, number>>>;
}

export interface Figure {
  readonly tree: SvgNode;
  readonly caption: Caption;
  readonly data: Table;
  /** For the person who makes the figure, not for its reader. */
  readonly warnings: readonly string[];
}

/** Reasons for which something is not drawn, or not where its value is, in the order in which they are stated. */
export const omissions = [
  /** (batch size, learning rate) with a seed that diverged: it has no mean. */
  'diverged',
  /** Never reached the target loss, or too near the end. */
  'censored',
  'missing',
  /** Value beyond the axis, drawn at its end. */
  'clipped',
  /** Interval beyond the axis, drawn up to its end with an arrow. */
  'intervals clipped',
  /** Vertical line (a noise scale, a level) whose place is beyond the axis: not drawn. */
  'lines beyond the axis',
  /** Value without a place on a logarithmic axis. */
  'not on a log axis',
  /** Drawn hollow: at the edge of the grid, flat, or from few seeds. */
  'uncertain',
  /** Without any optimal learning rate. */
  'without optimum',
] as const;
export type Omission = (typeof omissions)[number];

/** "3 diverged", "1 interval clipped", …, in the order in which they are stated. */
export function omissionsIn(counts: Caption['counts']): string[] {
  return omissions.flatMap((reason) => {
    const count = counts[reason] ?? 0;
    if (count === 0) return [];
    return [`${count} ${count === 1 ? reason.replace(/^(interval|line)s/, '$1') : reason}`];
  });
}

export class Tally {
  readonly #counts = new Map<Omission, number>();

  add(reason: Omission, count = 1): void {
    if (count > 0) this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count);
  }

  addAll(other: Tally): void {
    for (const [reason, count] of other.#counts) this.add(reason, count);
  }

  counts(): Partial<Record<Omission, number>> {
    return Object.fromEntries(
      omissions.flatMap((reason) => {
        const count = this.#counts.get(reason);
        return count === undefined ? [] : [[reason, count]];
      }),
    );
  }

  /** "3 diverged", "2 clipped", …; uncertain points explain themselves as "4 uncertain (hollow)". */
  notes(): string[] {
    return omissionsIn(this.counts()).map((text) => (text.endsWith('uncertain') ? `${text} (hollow)` : text));
  }
}

export function seedCount(seeds: Iterable<number>, planned: number): SeedCount {
  let fewest = Infinity;
  let most = 0;
  for (const count of seeds) {
    fewest = Math.min(fewest, count);
    most = Math.max(most, count);
  }
  return { fewest: fewest === Infinity ? 0 : fewest, most, planned };
}

/** "8 seeds", "5 of 8 seeds", "3–5 of 8 seeds". */
export function seedNote({ fewest, most, planned }: SeedCount): string {
  const noun = planned === 1 ? 'seed' : 'seeds';
  if (fewest === planned && most === planned) return `${planned} ${noun}`;
  return `${fewest === most ? String(most) : `${fewest}–${most}`} of ${planned} ${noun}`;
}
