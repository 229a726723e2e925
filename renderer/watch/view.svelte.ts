/** How a page looks at its session: toggles, what is pointed at, and the cells pinned in the side sheet. */
import type { WatchSession } from './session.svelte.ts';

export const seedViews = ['mean', 'median', 'all'] as const;
export type SeedView = (typeof seedViews)[number];

export interface Place {
  readonly batch: number;
  readonly rate: number;
}

/** Cells whose training loss is drawn at once; the contract allows 64. */
const MOST_PINNED = 24;

export class WatchView {
  lossTitle = $state('held-out loss');
  log = $state(true);
  clip = $state(true);
  seeds: SeedView = $state('mean');
  /** Whether the ridge's learning rates are those of the whole grid, as in the heat map beside it. */
  isShared: boolean | null = $state(null);
  /** Indices in the grid; what every panel marks. */
  pointed: { readonly batch: number | null; readonly rate: number | null } = $state.raw({
    batch: null,
    rate: null,
  });
  /** Cells of the grid in the side sheet, in the order in which they were pinned. */
  pinned: readonly number[] = $state.raw([]);

  point(place: { readonly batch: number | null; readonly rate: number | null } | null): void {
    const next = place ?? { batch: null, rate: null };
    if (next.batch !== this.pointed.batch || next.rate !== this.pointed.rate) this.pointed = next;
  }

  /** Pins every seed of a place; `add` keeps what is pinned. */
  pin(session: WatchSession, batch: number, rate: number, add: boolean): void {
    if (session.live === null) return;
    const { curves, states } = session.live;
    const seeds = curves.seeds.length;
    const from = (batch * curves.learningRates.length + rate) * seeds;
    const cells = Array.from({ length: seeds }, (_, i) => from + i).filter((cell) => states[cell] !== 255);
    this.pinCells(cells, add);
  }

  pinCells(cells: readonly number[], add: boolean): void {
    const kept = add ? this.pinned.filter((cell) => !cells.includes(cell)) : [];
    this.pinned = [...kept, ...cells].slice(-MOST_PINNED);
  }

  unpin(): void {
    this.pinned = [];
  }

  pinnedPlaces(session: WatchSession): Place[] {
    const curves = session.live?.curves;
    if (curves === undefined) return [];
    const places = new Set(this.pinned.map((cell) => Math.floor(cell / curves.seeds.length)));
    const rates = curves.learningRates.length;
    return [...places].map((place) => ({ batch: Math.floor(place / rates), rate: place % rates }));
  }
}
