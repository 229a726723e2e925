/**
 * What crosses between the lab and a window. Plain data and typed arrays only; non-finite numbers are data and cross as
 * they are. Times are UTC epoch milliseconds.
 */
import type { CellState, Metric } from '../experiment/stack.ts';
import type { Specification, SpecificationInput } from '../experiment/specification.ts';
import type { FigureDifference } from '../figure/difference.ts';
import type { ImportMapping } from '../import/mapping.ts';
import type { ImportReport } from '../import/report.ts';
import type { FamilyAnalysis } from '../import/sweep.ts';

/**
 * complete: nothing left to train; failures: only cells left that could not be trained; held: paused, see the reason;
 * slurm: handed out to Slurm, see the reason.
 */
export type ExperimentState =
  'imported' | 'complete' | 'failures' | 'waiting' | 'queued' | 'running' | 'held' | 'elsewhere' | 'slurm';

/** The optimum of each batch size at the last common step, for a small picture. NaN where there is none. */
export interface RidgeThumbnail {
  readonly batchSizes: Float64Array;
  readonly learningRates: Float64Array;
  readonly peakBatchSize: number | null;
  /** 'at equal steps (step 160)': the definition in words. */
  readonly definition: string;
}

export interface ExperimentCard {
  /** Short stable identity. */
  readonly key: string;
  readonly name: string;
  readonly state: ExperimentState;
  /** Why it is held or could not be finished; '' when nothing needs saying. */
  readonly reason: string;
  readonly createdAt: number;
  readonly archived: boolean;
  readonly notes: string;
  readonly tags: readonly string[];
  /** 'mlp 784-32-10 on digits'; for imported sweeps the file's name. */
  readonly workload: string;
  /** 'adam'; '' when not known. */
  readonly optimizer: string;
  readonly batchUnit: string;
  readonly cells: number;
  readonly counts: Readonly<Record<CellState, number>>;
  readonly thumbnail: RidgeThumbnail | null;
}

export interface ExperimentDetail extends ExperimentCard {
  /** Null for imported sweeps. */
  readonly specification: Specification | null;
  /** The specification as an experiment file; '' for imported sweeps. */
  readonly text: string;
  readonly imported: {
    readonly file: string;
    readonly label: string;
    readonly checksum: string;
    readonly analyses: readonly FamilyAnalysis[];
    readonly report: ImportReport;
  } | null;
  /** Whether there are curves on a grid, so that everything under `watch` works. */
  readonly hasCurves: boolean;
  readonly metrics: readonly Metric[];
  readonly events: readonly { readonly time: number; readonly kind: string; readonly message: string }[];
}

/** What a specification would do and cost, before it starts. */
export interface DesignPreview {
  readonly problems: readonly {
    /** 'batchSizes.list[2]'; '' for the whole. */
    readonly path: string;
    /** 1-based line of the text; null where it is not known. */
    readonly line: number | null;
    readonly message: string;
  }[];
  readonly warnings: readonly string[];
  /** Everything below is null while there are problems. */
  readonly design: {
    readonly specification: Specification;
    readonly input: SpecificationInput;
    /** The same as text, in the order and words of the form. */
    readonly text: string;
    readonly batchUnit: string;
    readonly parameters: number | null;
    /** Ascending. */
    readonly batchSizes: readonly number[];
    readonly learningRates: readonly number[];
    readonly seeds: readonly number[];
    /** Steps of a cell, one a batch size. */
    readonly steps: readonly number[];
    readonly marks: readonly (readonly number[])[];
    readonly cells: number;
    /** Cells that the store has already; they are shared, not trained again. */
    readonly cellsKnown: number;
    /** Place in the order of execution, [batch][learning rate]; equal numbers train together. */
    readonly order: readonly (readonly number[])[];
    readonly storeBytes: number;
    /** Null until this machine has been measured for this workload (`design.measure`). */
    readonly cost: DesignCost | null;
  } | null;
}

export interface DesignCost {
  readonly seconds: number;
  readonly memoryBytes: number;
  readonly stacks: number;
  readonly largestStack: number;
}

/**
 * Curves of one metric of one experiment in grid order, as CurveSet has them (see shared/analysis/curves.ts), and the
 * state of each cell. Arrays are [batch][learning rate][seed] (values: and [mark]), row-major.
 */
export interface WatchSnapshot {
  /** Grows with every change; a delta says from which to which cursor it leads. */
  readonly cursor: number;
  readonly metric: Metric;
  readonly batchSizes: readonly number[];
  readonly learningRates: readonly number[];
  readonly seeds: readonly number[];
  readonly marks: readonly (readonly number[])[];
  readonly stride: number;
  readonly values: Float64Array;
  readonly recorded: Uint32Array;
  readonly divergedAt: Float64Array;
  /** Index into cellStates; 255 where the grid has no such cell. */
  readonly states: Uint8Array;
}

/**
 * Changes since a cursor: for each changed cell its state and its new values, from mark `firstMark[i]` on; the cell has
 * recorded firstMark[i] + counts[i] marks then. Points are never taken back by a delta: when that happens (a stack is
 * planned anew), or when too much has changed, a delta comes whose `from` lies beyond the window's cursor, and the
 * window opens its watch again.
 */
export interface WatchDelta {
  readonly experiment: string;
  readonly metric: Metric;
  readonly from: number;
  readonly to: number;
  /** Grid indices of changed cells. */
  readonly cells: Uint32Array;
  readonly states: Uint8Array;
  readonly divergedAt: Float64Array;
  readonly firstMark: Uint32Array;
  readonly counts: Uint32Array;
  /** The new values of all changed cells, one after the other: counts[i] of each. */
  readonly values: Float64Array;
}

export interface CellDetail {
  readonly key: string;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly state: CellState;
  readonly reason: string;
  readonly divergedAt: number | null;
  readonly stepsDone: number;
  readonly steps: number;
  /** Where and how it was trained: pairs of a label and a value, in reading order. */
  readonly provenance: readonly (readonly [label: string, value: string])[];
  /** The Slurm task that trains it; null when none does. */
  readonly slurm: SlurmTask | null;
  readonly events: readonly { readonly time: number; readonly kind: string; readonly message: string }[];
}

/** Training loss of chosen cells at every recorded step; point p belongs to step p + 1. */
export interface LossCurve {
  readonly cell: number;
  readonly values: Float64Array;
}

/** The queue of this lab: what trains now and what waits, in order. */
export interface QueueState {
  /** Whether this lab can train: another program may hold the store, or it may be read-only. */
  readonly canTrain: boolean;
  /** What is wrong and what to do, calm and complete; '' when nothing is. */
  readonly problem: string;
  readonly running: {
    readonly experiment: string;
    readonly name: string;
    readonly cells: number;
    readonly cellsDone: number;
    readonly runSteps: number;
    readonly runStepsDone: number;
    readonly secondsLeft: number | null;
    readonly stacks: readonly {
      readonly stack: string;
      readonly batchSize: number;
      readonly phase: string;
    }[];
  } | null;
  readonly waiting: readonly { readonly experiment: string; readonly name: string }[];
  /** What Slurm trains meanwhile. */
  readonly slurm: readonly SlurmSummary[];
}

/** One task of a job array: it trains some stacks into a store of its own. */
export interface SlurmTask {
  readonly task: number;
  /** lost: not complete and no longer in Slurm's queue. */
  readonly state: 'complete' | 'failed' | 'running' | 'waiting' | 'lost';
  readonly cells: number;
  readonly cellsDone: number;
  /** Steps of all its cells together, and those that are trained. */
  readonly runSteps: number;
  readonly runStepsDone: number;
  readonly stacks: number;
  readonly stacksFinished: number;
  /** Where it runs, or ran last; '' when that is not known. */
  readonly node: string;
  /** Why it waits, failed or was lost; '' when nothing needs saying. */
  readonly reason: string;
  /** The last lines of its log, where it failed or was lost. */
  readonly log: string;
}

export interface SlurmSummary {
  readonly experiment: string;
  readonly name: string;
  readonly cells: number;
  readonly cellsDone: number;
  readonly runSteps: number;
  readonly runStepsDone: number;
  readonly tasks: number;
  readonly complete: number;
  readonly running: number;
  readonly waiting: number;
  /** Tasks that were lost or failed, and the first of them. */
  readonly failed: number;
  readonly failures: readonly SlurmTask[];
  /** Why Slurm gives no answer, or a store cannot be merged; '' when nothing is wrong. */
  readonly problem: string;
}

export interface SlurmState {
  readonly folder: string;
  readonly jobs: readonly string[];
  readonly tasks: readonly SlurmTask[];
  readonly problem: string;
}

export interface AboutSlurm {
  /** Whether sbatch is on this machine. */
  readonly available: boolean;
  /** Scripts to choose from, the usual one first. */
  readonly templates: readonly string[];
  /** Where the folders of sweeps go when nobody says otherwise. */
  readonly folder: string;
}

export interface EngineState {
  readonly state: 'ready' | 'missing' | 'broken' | 'installing';
  /** '2.21.0'; '' unless ready. */
  readonly libraryVersion: string;
  readonly device: 'cpu' | 'cuda' | '';
  readonly threads: number;
  readonly folder: string;
  readonly message: string;
}

export interface LabSettings {
  readonly theme: 'system' | 'light' | 'dark';
  /** Threads for training; null: chosen from the machine. */
  readonly threads: number | null;
  /** Most cells in a stack; null: chosen by measuring. */
  readonly maxCellsPerStack: number | null;
}

export interface StoreState {
  readonly file: string;
  readonly bytes: number;
  readonly spoolBytes: number;
  readonly freeBytes: number;
  readonly access: 'write' | 'read';
  /** Newest first. Names only: they live in the store's own backup folder. */
  readonly backups: readonly { readonly name: string; readonly bytes: number; readonly time: number }[];
}

export interface AboutLab {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly engine: EngineState;
  readonly settings: LabSettings;
  readonly store: StoreState;
  readonly speeds: MeasuredSpeeds;
}

/** Calibrations that are kept: of how many experiments the speed was measured, and when last (milliseconds since 1970). */
export interface MeasuredSpeeds {
  readonly count: number;
  readonly newest: number | null;
}

export interface ImportPreview {
  readonly mapping: ImportMapping;
  /** Why the file cannot be imported with this mapping, and what to choose; '' when it can. Then there are no families. */
  readonly problem: string;
  /** Header names and the first rows as text, for the mapping form. */
  readonly columns: readonly string[];
  readonly sample: readonly (readonly string[])[];
  readonly report: ImportReport;
  readonly families: readonly {
    readonly label: string;
    readonly cells: number;
    readonly analyses: readonly FamilyAnalysis[];
  }[];
}

/** A prediction of the peak from one frozen point of a run; null where the data allow no number. */
export interface StoredPrediction {
  readonly createdAt: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly step: number;
  readonly peakBatchSize: number | null;
  readonly peakInterval: readonly [number, number] | null;
  readonly noiseScale: number | null;
  readonly noiseScaleError: number | null;
}

export interface FigureFile {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** A figure kept with an experiment, as `figures.render` takes it. */
export interface KeptFigure {
  /** One figure of an experiment has it. */
  readonly name: string;
  readonly savedAt: number;
  readonly specification: Readonly<Record<string, unknown>>;
  readonly preset: string;
  /** Keys; the first experiment keeps it. */
  readonly experiments: readonly string[];
}

/** A kept figure after it was drawn anew. */
export interface RedrawnFigure {
  readonly name: string;
  /** Why it has no comparison; '' when it has. */
  readonly problem: string;
  readonly difference: FigureDifference | null;
}

export interface Job {
  readonly id: string;
  readonly kind: 'engine-install' | 'backup' | 'measure' | 'import' | 'figures';
  readonly message: string;
  /** 0 … 1; null while unknown. */
  readonly share: number | null;
  readonly done: boolean;
  /** Set when it ended badly. */
  readonly error: string | null;
}
