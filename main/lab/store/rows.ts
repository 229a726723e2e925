/** Rows of the database as the types that the rest of the lab sees. */
import type { Specification } from '#shared/experiment/specification.ts';
import {
  cellStates,
  type CellConfiguration,
  type CellState,
  type StackPlan,
} from '#shared/experiment/stack.ts';
import type { EngineProvenance } from '#main/training/protocol.ts';
import type { SavedFigure, SavedFigureRecord } from '#shared/figure/saved-figure.ts';
import type { PredictionRecord } from '#shared/theory/prediction-record.ts';
import type {
  Cell,
  Experiment,
  ImportedSource,
  LabEvent,
  Stack,
  StackState,
  StateCounts,
  StoredPrediction,
} from './types.ts';

export interface ExperimentRow {
  id: number;
  key: string;
  name: string;
  specification: string;
  created_at: number;
  archived: number;
  /** NULL: those of the specification. */
  notes: string | null;
  tags: string;
  hold_reason: string | null;
  hold_since: number | null;
}

export function experimentOf(row: ExperimentRow, imported: ImportedSource | null): Experiment {
  const specification = JSON.parse(row.specification) as Specification | null;
  return {
    id: row.id,
    key: row.key,
    name: row.name,
    specification,
    imported,
    createdAt: row.created_at,
    archived: row.archived === 1,
    notes: row.notes ?? specification?.notes ?? '',
    tags: JSON.parse(row.tags) as string[],
    hold: row.hold_reason === null ? null : { reason: row.hold_reason, since: row.hold_since ?? 0 },
  };
}

export function countsOf(rows: readonly { state: CellState; n: number }[]): StateCounts {
  const counts = Object.fromEntries(cellStates.map((state) => [state, 0])) as Record<CellState, number>;
  for (const { state, n } of rows) counts[state] = n;
  return counts;
}

export interface CellRow {
  id: number;
  key: string;
  settings_id: number;
  batch_size: number;
  learning_rate: number;
  seed: number;
  state: CellState;
  reason: string;
  diverged_at: number | null;
  steps_done: number | null;
  stack_key: string | null;
}

/** What cells of one batch size share: everything of a configuration but its grid point. */
export type CommonConfiguration = Omit<CellConfiguration, 'batchSize' | 'learningRate' | 'seed'>;

export function cellOf(row: CellRow, common: CommonConfiguration): Cell<CellConfiguration> {
  return {
    id: row.id,
    key: row.key,
    configuration: {
      ...common,
      batchSize: row.batch_size,
      learningRate: row.learning_rate,
      seed: row.seed,
    },
    state: row.state,
    reason: row.reason,
    divergedAt: row.diverged_at,
    stepsDone: row.steps_done ?? 0,
    stack: row.stack_key,
  };
}

export interface StackRow {
  id: number;
  key: string;
  experiment_id: number;
  plan: string;
  state: StackState;
  reason: string;
  position: number;
  threads: number;
  chunk_steps: number;
  mode: 'compiled' | 'eager';
  steps_done: number;
  checkpoint_step: number;
  pid: number | null;
  start_ticks: number | null;
  failures: number;
  engine: string | null;
  host: string;
  train_milliseconds: number;
  evaluate_milliseconds: number;
  compile_milliseconds: number;
  peak_resident_bytes: number;
}

export function stackOf(row: StackRow): Stack {
  return {
    ...(JSON.parse(row.plan) as StackPlan),
    id: row.id,
    key: row.key,
    experiment: row.experiment_id,
    state: row.state,
    reason: row.reason,
    position: row.position,
    stepsDone: row.steps_done,
    checkpointStep: row.checkpoint_step,
    process: row.pid === null ? null : { pid: row.pid, startTicks: row.start_ticks ?? 0 },
    threads: row.threads,
    chunkSteps: row.chunk_steps,
    mode: row.mode,
    engine: row.engine === null ? null : (JSON.parse(row.engine) as EngineProvenance),
    host: row.host,
    trainMilliseconds: row.train_milliseconds,
    evaluateMilliseconds: row.evaluate_milliseconds,
    compileMilliseconds: row.compile_milliseconds,
    peakResidentBytes: row.peak_resident_bytes,
    failures: row.failures,
  };
}

export interface EventRow {
  time: number;
  experiment_id: number | null;
  stack_key: string | null;
  kind: string;
  message: string;
}

export function eventOf(row: EventRow): LabEvent {
  return {
    time: row.time,
    experiment: row.experiment_id,
    stack: row.stack_key,
    kind: row.kind,
    message: row.message,
  };
}

export interface FigureRow {
  name: string;
  saved_at: number;
  record: string;
}

export function figureOf(row: FigureRow): SavedFigure {
  return { ...(JSON.parse(row.record) as SavedFigureRecord), name: row.name, savedAt: row.saved_at };
}

export interface PredictionRow {
  key: string;
  created_at: number;
  record: string;
}

export function predictionOf(row: PredictionRow): StoredPrediction {
  return { ...(JSON.parse(row.record) as PredictionRecord), key: row.key, createdAt: row.created_at };
}
