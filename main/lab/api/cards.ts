/** Experiments as the list and the head of a page show them. */
import type { ExperimentCard, ExperimentDetail, ExperimentState } from '#shared/api/types.ts';
import { specificationToYaml } from '#shared/experiment/file.ts';
import { batchUnitOf } from '#shared/experiment/batch-unit.ts';
import type { Specification } from '#shared/experiment/specification.ts';
import { metrics } from '#shared/experiment/stack.ts';
import { isAlive } from '../scheduler/processes.ts';
import type { Cell, ExperimentSummary, ReadableStore } from '../store/types.ts';

/** What the lab knows of an experiment beside the store. */
export interface Activity {
  readonly here: 'running' | 'queued' | null;
  /** Whether another program has this store to itself, and so trains whatever is running. */
  readonly isFollowing: boolean;
  /** How far Slurm is with it; null when Slurm does not train it. */
  readonly onSlurm: string | null;
}

export function stateOf(
  store: ReadableStore,
  experiment: ExperimentSummary,
  { here, isFollowing, onSlurm }: Activity,
): { readonly state: ExperimentState; readonly reason: string } {
  const { counts, cells, hold, imported } = experiment;
  const left = cells - counts.done - counts.diverged;
  if (imported !== null) return { state: 'imported', reason: '' };
  if (left === 0) return { state: 'complete', reason: '' };
  if (here !== null) return { state: here, reason: '' };
  if (counts.running > 0) {
    const alive = store
      .stacks(experiment.id)
      .some(({ state, process }) => state === 'running' && process !== null && isAlive(process));
    if (alive) return { state: 'elsewhere', reason: 'another program trains it; this window follows along' };
    if (isFollowing)
      return {
        state: 'waiting',
        reason: 'the program that trained it has ended; it continues from its checkpoints when it is started',
      };
  }
  if (onSlurm !== null) return { state: 'slurm', reason: onSlurm };
  if (hold !== null) return { state: 'held', reason: hold.reason };
  const failed = counts.failed + counts['out-of-memory'];
  if (failed === left) return { state: 'failures', reason: mostFrequentReason(store.cells(experiment.id)) };
  if (counts.interrupted > 0)
    return { state: 'waiting', reason: 'interrupted; it continues from its checkpoints when it is started' };
  return { state: 'waiting', reason: '' };
}

function mostFrequentReason(cells: readonly Cell[]): string {
  const unfinished = cells.filter(({ state }) => state === 'failed' || state === 'out-of-memory');
  const byReason = Map.groupBy(unfinished, ({ reason }) => reason);
  const [first] = [...byReason].sort((a, b) => b[1].length - a[1].length);
  if (first === undefined) return '';
  const [reason, list] = first;
  return byReason.size === 1 ? reason : `${reason} (${list.length} of ${unfinished.length} cells)`;
}

export function cardOf(
  store: ReadableStore,
  experiment: ExperimentSummary,
  activity: Activity,
  thumbnail: ExperimentCard['thumbnail'],
): ExperimentCard {
  const { key, name, createdAt, archived, cells, counts, imported, specification, notes, tags } = experiment;
  return {
    key,
    name,
    ...stateOf(store, experiment, activity),
    createdAt,
    archived,
    notes,
    tags,
    workload: specification === null ? (imported?.file ?? '') : workloadInWords(specification),
    optimizer: specification === null ? '' : optimizerInWords(specification),
    batchUnit: specification === null ? (imported?.batchUnit ?? 'samples') : batchUnitOf(specification),
    cells,
    counts,
    thumbnail,
  };
}

export function detailOf(
  store: ReadableStore,
  experiment: ExperimentSummary,
  card: ExperimentCard,
): ExperimentDetail {
  const { id, imported, specification } = experiment;
  return {
    ...card,
    specification,
    text: specification === null ? '' : specificationToYaml(specification),
    imported:
      imported === null
        ? null
        : {
            file: imported.file,
            label: imported.label,
            checksum: imported.checksum,
            analyses: imported.analyses,
            report: imported.report,
          },
    hasCurves: imported === null || imported.hasCurves,
    metrics:
      imported === null
        ? metrics.filter((m) => m !== 'trainingLoss' || specification?.recordTrainingLoss === true)
        : ['evaluationLoss'],
    events: store.events(id).map(({ time, kind, message }) => ({ time, kind, message })),
  };
}

const DIGIT_PIXELS = 784;
const DIGIT_CLASSES = 10;

function optimizerInWords({ optimizer, schedule }: Specification): string {
  if (optimizer.kind === 'external') return optimizer.name;
  return schedule === undefined ? optimizer.kind : `${optimizer.kind}, ${schedule.kind} schedule`;
}

/** 'mlp 784-32-10 on digits' */
export function workloadInWords({ workload }: Specification): string {
  if (workload.kind === 'quadratic')
    return `quadratic of ${workload.mu.length} parameter${workload.mu.length === 1 ? '' : 's'}`;
  if (workload.kind === 'external') return workload.command.join(' ');
  if (!('data' in workload)) return workload.kind;
  const data: Readonly<Record<string, unknown>> = workload.data;
  const file = [data.images, data.file, data.folder, data.name].find((path) => typeof path === 'string');
  const name = file?.split(/[\\/]/).at(-1) ?? workload.data.source;
  if (workload.kind !== 'mlp') return `${workload.kind} on ${name}`;
  const isDigits = workload.data.source === 'digits';
  const layers = isDigits ? [DIGIT_PIXELS, ...workload.hidden, DIGIT_CLASSES] : workload.hidden;
  return layers.length === 0 ? `softmax regression on ${name}` : `mlp ${layers.join('-')} on ${name}`;
}
