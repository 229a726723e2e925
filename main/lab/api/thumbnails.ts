/** Small pictures of the ridges for the list: computed once for each state of an experiment, a few at a time. */
import type { RidgeThumbnail } from '#shared/api/types.ts';
import { describeDefinition } from '#shared/analysis/describe.ts';
import { resampling } from '#shared/analysis/resampling.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { lastSharedMark } from '#shared/analysis/shared-mark.ts';
import type { ExperimentSummary, ReadableStore } from '../store/types.ts';

/** The peak of a thumbnail carries no interval. */
const RESAMPLES = 2;
/** While cells are being trained, a picture may be this old. */
const STALE_MILLISECONDS = 5_000;

interface Entry {
  readonly fingerprint: string;
  readonly time: number;
  readonly thumbnail: RidgeThumbnail | null;
}

export class Thumbnails {
  readonly #entries = new Map<string, Entry>();

  /** The picture as far as it is known; `isCurrent` tells whether compute() has something to do. */
  peek(experiment: ExperimentSummary): {
    readonly thumbnail: RidgeThumbnail | null;
    readonly isCurrent: boolean;
  } {
    const entry = this.#entries.get(experiment.key);
    if (entry === undefined) return { thumbnail: null, isCurrent: !hasSomething(experiment) };
    const isCurrent =
      entry.fingerprint === fingerprintOf(experiment) ||
      (experiment.counts.running > 0 && Date.now() - entry.time < STALE_MILLISECONDS);
    return { thumbnail: entry.thumbnail, isCurrent };
  }

  compute(store: ReadableStore, experiment: ExperimentSummary): RidgeThumbnail | null {
    const thumbnail = hasSomething(experiment) ? thumbnailOf(store, experiment) : null;
    this.#entries.set(experiment.key, {
      fingerprint: fingerprintOf(experiment),
      time: Date.now(),
      thumbnail,
    });
    return thumbnail;
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

function thumbnailOf(store: ReadableStore, { id }: ExperimentSummary): RidgeThumbnail {
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
