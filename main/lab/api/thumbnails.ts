/** Small pictures of the ridges for the list: drawn once for each state of an experiment, large ones beside the lab. */
import type { RidgeThumbnail } from '#shared/api/types.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import { describeDefinition } from '#shared/analysis/describe.ts';
import { resampling } from '#shared/analysis/resampling.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { lastSharedMark } from '#shared/analysis/shared-mark.ts';
import type { DrawingDesk } from '../drawing/desk.ts';
import type { ExperimentSummary, ReadableStore } from '../store/types.ts';

/** The peak of a thumbnail carries no interval. */
const RESAMPLES = 2;
/** While cells are being trained, a picture may be this old. */
const STALE_MILLISECONDS = 5_000;
/** Reading more losses than this takes longer than a window should wait for its answer: some 30 ms. */
const MOST_VALUES = 1_000_000;

interface Entry {
  readonly fingerprint: string;
  readonly time: number;
  readonly thumbnail: RidgeThumbnail | null;
}

export class Thumbnails {
  readonly #entries = new Map<string, Entry>();
  readonly #ordered = new Set<string>();
  readonly #desk: DrawingDesk;
  readonly #drawn: (experiment: string) => void;

  /** `drawn` is called when a picture is there that `compute` did not have at once. */
  constructor(desk: DrawingDesk, drawn: (experiment: string) => void) {
    this.#desk = desk;
    this.#drawn = drawn;
  }

  /** The picture as far as it is known; `isCurrent` tells whether compute() has something to do. */
  peek(experiment: ExperimentSummary): {
    readonly thumbnail: RidgeThumbnail | null;
    readonly isCurrent: boolean;
  } {
    const entry = this.#entries.get(experiment.key);
    if (entry === undefined)
      return {
        thumbnail: null,
        isCurrent: this.#ordered.has(experiment.key) || !hasSomething(experiment),
      };
    const isCurrent =
      this.#ordered.has(experiment.key) ||
      entry.fingerprint === fingerprintOf(experiment) ||
      (experiment.counts.running > 0 && Date.now() - entry.time < STALE_MILLISECONDS);
    return { thumbnail: entry.thumbnail, isCurrent };
  }

  /** Returns whether the picture is there now; of a large experiment it comes later. */
  compute(store: ReadableStore, experiment: ExperimentSummary): boolean {
    const { key } = experiment;
    const keep = (thumbnail: RidgeThumbnail | null) =>
      this.#entries.set(key, { fingerprint: fingerprintOf(experiment), time: Date.now(), thumbnail });
    if (!hasSomething(experiment)) keep(null);
    else if (!isLarge(experiment)) keep(thumbnailOf(store, experiment));
    else {
      void this.#order(key, keep);
      return false;
    }
    return true;
  }

  async #order(key: string, keep: (thumbnail: RidgeThumbnail | null) => void): Promise<void> {
    if (this.#ordered.has(key)) return;
    this.#ordered.add(key);
    try {
      keep(await this.#desk.draw('thumbnail', key));
    } catch {
      // Deleted meanwhile, or the drawing process ended: the list does without until the experiment changes.
      keep(null);
    }
    this.#ordered.delete(key);
    this.#drawn(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}

function fingerprintOf({ counts }: ExperimentSummary): string {
  return `${counts.done} ${counts.diverged}`;
}

function hasSomething({ counts, imported }: ExperimentSummary): boolean {
  return imported === null ? counts.done > 0 : imported.hasCurves;
}

function isLarge({ cells, specification }: ExperimentSummary): boolean {
  if (specification === null) return cells > MOST_VALUES;
  const grid = expandGrid(specification);
  return cells * Math.max(...grid.batchSizes.map((size) => grid.marksFor(size).length)) > MOST_VALUES;
}

export function thumbnailOf(store: ReadableStore, { id }: Pick<ExperimentSummary, 'id'>): RidgeThumbnail {
  const curves = store.curveSet(id, 'evaluationLoss');
  const definition = { kind: 'equal-steps', step: lastSharedMark(curves) } as const;
  const bootstrap = resampling(curves.seeds.length, RESAMPLES);
  const { points, peak } = ridgeOf(curves, definition, { bootstrap });
  return {
    batchSizes: Float64Array.from(points, (point) => point.batchSize),
    learningRates: Float64Array.from(points, (point) => point.learningRate ?? NaN),
    peakBatchSize: peak?.batchSize ?? null,
    definition: describeDefinition(definition),
  };
}
