/**
 * The run store as the rest of the lab sees it. Readers and the one writer are separate types, so that a door which
 * only looks cannot write. Times are UTC epoch milliseconds.
 */
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { ImportMapping } from '#shared/import/mapping.ts';
import type { ImportReport } from '#shared/import/report.ts';
import type { FamilyAnalysis, ImportedFamily, ImportedSweep } from '#shared/import/sweep.ts';
import type { Specification } from '#shared/experiment/specification.ts';
import type { CellConfiguration, CellState, Metric, StackPlan } from '#shared/experiment/stack.ts';
import type { SavedFigure, SavedFigureRecord } from '#shared/figure/saved-figure.ts';
import type { PredictionRecord } from '#shared/theory/prediction-record.ts';
import type { EngineProvenance } from '#main/training/protocol.ts';
import type { ExperimentProgress, PointBlock } from './live.ts';

export interface Experiment {
  /** Row number, for joins. */
  readonly id: number;
  /** Short stable identity, unique in every store: used in file names and on the command line. */
  readonly key: string;
  readonly name: string;
  /** Null for imported sweeps, which were trained elsewhere. */
  readonly specification: Specification | null;
  /** Where an imported sweep comes from; null for those trained here. */
  readonly imported: ImportedSource | null;
  readonly createdAt: number;
  readonly archived: boolean;
  /** Free text of a person about the experiment, at first that of its specification. */
  readonly notes: string;
  readonly tags: readonly string[];
  /** Set by pause and by repeated fast failures; never a substitute for the cells' own states. */
  readonly hold: { readonly reason: string; readonly since: number } | null;
}

/** An imported experiment is one family of one file. */
export interface ImportedSource {
  /** Key of the import, which all families of the file share. */
  readonly key: string;
  /** Name of the import. */
  readonly name: string;
  /** As it was called when it was imported. */
  readonly file: string;
  /** SHA-256 (hexadecimal) of the file's bytes. */
  readonly checksum: string;
  readonly bytes: number;
  readonly mapping: ImportMapping;
  readonly report: ImportReport;
  /** The family's label, 'all rows' when the file has one only. */
  readonly label: string;
  readonly batchUnit: string;
  readonly goal: 'minimize' | 'maximize';
  /** What its columns allow, and why the rest is not possible. */
  readonly analyses: readonly FamilyAnalysis[];
  /** Whether there are curves on a grid, so that curveSet() has an answer and every analysis of curves works. */
  readonly hasCurves: boolean;
}

/** What is known of a file before it is stored. */
export interface ImportOrigin {
  readonly name: string;
  readonly file: string;
  readonly checksum: string;
  readonly bytes: number;
  readonly mapping: ImportMapping;
}

/** Cells of an experiment counted by state, computed from the cells and never remembered. */
export type StateCounts = Readonly<Record<CellState, number>>;

export interface ExperimentSummary extends Experiment {
  readonly cells: number;
  readonly counts: StateCounts;
}

/** What of a configuration is known of imported cells too. An imported cell has no learning rate when it is NaN. */
export type CellPoint = Pick<
  CellConfiguration,
  'batchSize' | 'learningRate' | 'seed' | 'steps' | 'marks' | 'dataChecksum'
>;

export interface Cell<Configuration extends CellPoint = CellPoint> {
  readonly id: number;
  /** SHA-256 of the canonical configuration: the cell's identity. */
  readonly key: string;
  readonly configuration: Configuration;
  readonly state: CellState;
  /** Why the cell is in this state, for a person; '' when nothing needs saying. */
  readonly reason: string;
  /** First step whose loss was not finite. */
  readonly divergedAt: number | null;
  readonly stepsDone: number;
  readonly stack: string | null;
}

export type StackState = 'planned' | 'running' | 'finished' | 'interrupted' | 'out-of-memory' | 'failed';

export interface Stack extends StackPlan {
  readonly id: number;
  /** Unique; names the spool file and the checkpoint. */
  readonly key: string;
  readonly experiment: number;
  readonly state: StackState;
  readonly reason: string;
  /** Place in the order of execution. */
  readonly position: number;
  readonly stepsDone: number;
  readonly checkpointStep: number;
  /** Identity of the live trainer: process id and its start time in kernel clock ticks, so that a reused pid is told apart. */
  readonly process: { readonly pid: number; readonly startTicks: number } | null;
  /** Fixed when the stack is planned, so that a resumed stack repeats the same arithmetic. */
  readonly threads: number;
  readonly chunkSteps: number;
  readonly mode: 'compiled' | 'eager';
  readonly engine: EngineProvenance | null;
  /** The machine that trained it last; '' before its first trainer has said a word. */
  readonly host: string;
  readonly trainMilliseconds: number;
  readonly evaluateMilliseconds: number;
  readonly compileMilliseconds: number;
  readonly peakResidentBytes: number;
  /**
   * Attempts in a row that failed, or that died without a word under this lab's eyes and had not even moved the
   * checkpoint. Stops on request, full disks and deaths of the lab itself do not count.
   */
  readonly failures: number;
}

export interface LabEvent {
  readonly time: number;
  readonly experiment: number | null;
  readonly stack: string | null;
  readonly kind: string;
  readonly message: string;
}

export interface StoredPrediction extends PredictionRecord {
  /** Unique in every store. */
  readonly key: string;
  readonly createdAt: number;
}

export interface ReadableStore {
  readonly file: string;
  /** The folder of spool files beside the store. */
  readonly spoolFolder: string;
  experiments(options?: { archived?: boolean; held?: true }): ExperimentSummary[];
  /** By key, unique key prefix, or name (the newest of that name). Throws a readable error when none or several match. */
  experiment(nameOrKey: string): ExperimentSummary;
  /** The same, but the name or key of an import of several families gives them all, in the order of the file. */
  experimentOrFamilies(nameOrKey: string): ExperimentSummary[];
  /** In grid order. Imported cells are 'done', or 'diverged' with the failure's label as reason. */
  cells(experimentId: number): Cell[];
  /** Throws StoreError 'imported' for an imported experiment. */
  trainedCells(experimentId: number): Cell<CellConfiguration>[];
  /** The rows of an imported experiment, exactly as they were read. Throws StoreError 'not-imported' for others. */
  importedFamily(experimentId: number): ImportedFamily;
  stacks(experimentId: number): Stack[];
  /**
   * Every curve of one metric as the dense grid that the analyses take. Imported sweeps have evaluationLoss only, and
   * only with curves on a grid; otherwise StoreError 'imported' says in one sentence what is missing.
   */
  curveSet(experimentId: number, metric: Metric): CurveSet;
  /** Mean over seeds of one metric at one mark index for all cells: [batch][learning rate]; NaN where nothing finite is there. */
  meanSurface(experimentId: number, metric: Metric, markIndex: number): Float64Array;
  events(experimentId: number): LabEvent[];
  /** What was predicted for runs of this experiment, oldest first. */
  predictions(experimentId: number): StoredPrediction[];
  /** Figures kept with this experiment, in the order in which they were first kept. */
  figures(experimentId: number): SavedFigure[];
  /** Differs from an earlier answer when anything was written in between, by this program or another. */
  revision(): string;
  /** Cells with their states and stacks, and how far each stack is in the store. No cells for imported experiments. */
  progress(experimentId: number): ExperimentProgress;
  /** Cells that are done and differ from this one in learning rate and seed only, whichever experiments they belong to. */
  trainedPoints(configuration: CellConfiguration): { learningRate: number; seed: number }[];
  /** Blocks of a stack (by row number) that hold points from `from` on, ascending; the first may begin before it. */
  points(stack: number, metric: Metric, from: number): PointBlock[];
  close(): void;
}

/** Settings that a stack is trained with, chosen from calibration when it is planned. */
export interface StackSettings {
  readonly threads: number;
  readonly chunkSteps: number;
  readonly mode: 'compiled' | 'eager';
}

export interface Annotations {
  readonly name?: string | undefined;
  readonly notes?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** What an experiment or a prediction keeps when it is carried from one store to another. */
export interface CarriedIdentity {
  readonly key: string;
  readonly createdAt: number;
}

/** The same for an imported file; `experiments` are the keys of its families, in their order. */
export interface CarriedImport extends CarriedIdentity {
  readonly experiments: readonly string[];
}

export interface AdoptedStack {
  readonly key: string;
  readonly plan: StackPlan;
  readonly settings: StackSettings;
  /** The cells that belong to it; none for a second result that is only kept. */
  readonly columns: readonly number[];
}

export interface IngestResult {
  /** Bytes of the spool now in the store. */
  readonly bytes: number;
  readonly lines: number;
  /** Values (points × cells) added. */
  readonly values: number;
  /** Complete lines that could not be understood; they are counted and skipped, never fatal. */
  readonly badLines: number;
  /** The last 'stopped' or 'finished' line seen, if any, since the last 'start'. */
  readonly ending: 'finished' | 'asked' | 'out-of-memory' | 'error' | 'disk-full' | 'killed' | null;
  readonly message: string;
}

export interface WritableStore extends ReadableStore {
  /**
   * Records an experiment and its cells (in grid order) in one transaction, first in the spool (lab.jsonl), then in
   * SQLite. A cell whose identity is known already is shared, not trained again.
   */
  createExperiment(
    specification: Specification,
    cells: readonly CellConfiguration[],
    /** Given where the experiment exists in another store already. */
    identity?: CarriedIdentity,
  ): ExperimentSummary;
  /**
   * Stores an imported file, each family as one experiment, all or nothing; the same file with the same mapping is not
   * stored twice. First its rows go to a file of the spool folder, then the fact to the journal, then both to SQLite.
   */
  importSweep(
    origin: ImportOrigin,
    sweep: ImportedSweep,
    /** Given where the import exists in another store already. */
    carried?: CarriedImport,
  ): { readonly experiments: ExperimentSummary[]; readonly isNew: boolean };
  /** Adds stacks for cells that have none or whose stack failed; the cells become 'planned'. */
  planStacks(experimentId: number, plans: readonly { plan: StackPlan; settings: StackSettings }[]): Stack[];
  /** Stacks that exist elsewhere, under their own keys; their spools must be in the spool folder or come there later. */
  adoptStacks(experimentId: number, stacks: readonly AdoptedStack[]): void;
  /** Frees cells of a stack for another one; a stack without cells is removed with its files. */
  releaseColumns(experimentId: number, stackKey: string, columns: readonly number[]): void;
  /** The trainer of this stack runs now; its cells become 'running'. */
  stackStarted(stackKey: string, process: { pid: number; startTicks: number }): void;
  /**
   * The trainer has ended: sets the stack's and cells' states and reasons. Call after a last ingest(). 'finished' is set
   * only when the spool said so.
   */
  stackEnded(
    stackKey: string,
    state: Exclude<StackState, 'planned' | 'running' | 'finished'>,
    reason: string,
  ): void;
  /** Ingests the stack's spool from where the store stopped. Exactly once by construction: offset and rows move in one transaction. */
  ingest(stackKey: string): IngestResult;
  /** Puts failed, interrupted or out-of-memory cells back to 'planned' and drops their stack so that they are planned anew. Returns how many. */
  resetCells(experimentId: number, states: readonly CellState[]): number;
  hold(experimentId: number, reason: string | null): void;
  archive(experimentId: number, archived: boolean): void;
  /** Changes what is given. Neither name nor notes nor tags are part of any cell's identity. */
  annotate(experimentId: number, changes: Annotations): void;
  /** Removes the experiment, and those of its cells, stacks, spools and checkpoints that no other experiment uses. */
  deleteExperiment(experimentId: number): void;
  /** Keeps a prediction with its experiment. Throws StoreError 'unknown-experiment'. */
  addPrediction(experimentId: number, record: PredictionRecord, identity?: CarriedIdentity): StoredPrediction;
  /** Keeps a figure with the experiment in the place of the one of that name; null: keeps it no longer. */
  keepFigure(experimentId: number, name: string, record: SavedFigureRecord | null): void;
  addEvent(event: Omit<LabEvent, 'time'>): void;
  /** A consistent copy of the database file. */
  backup(file: string): Promise<void>;
}
