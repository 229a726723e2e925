/**
 * What passes between the lab and a trainer process.
 *
 * Data flow on one path only: the trainer appends lines to the stack's spool file (JSON lines, one object a line) and
 * the store ingests that file from the byte where it stopped, in the transaction that also moves this offset. The pipe
 * (file descriptor 3, JSON lines too) merely wakes the lab up and carries state for the eye. So a kill at any instant
 * loses nothing that was spooled, and ingesting twice changes nothing.
 */
import type { OptimizerSpecification, WorkloadSpecification } from '#shared/experiment/specification.ts';
import type { Metric } from '#shared/experiment/stack.ts';
import type { TrainingOptions } from '#shared/experiment/training-options.ts';
import type { MemoryModel } from './memory/need.ts';

/** The lab's first line on the trainer's standard input. A later line {"type":"stop"}, or end of file, asks for checkpoint and exit. */
export interface StackJob extends TrainingOptions {
  readonly type: 'job';
  readonly stack: string;
  readonly workload: WorkloadSpecification;
  readonly optimizer: OptimizerSpecification;
  readonly batchSize: number;
  /** K learning rates; cell i is seed floor(i/K), learning rate i mod K. */
  readonly learningRates: readonly number[];
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly marks: readonly number[];
  readonly evaluationExamples: number;
  readonly recordTrainingLoss: boolean;
  readonly streams: 'common' | 'independent';
  readonly dataChecksum: string;
  readonly mode: 'compiled' | 'eager';
  /** TensorFlow's intra-op threads: pinned, since results depend on it bit by bit. */
  readonly threads: number;
  /** Most steps in one compiled call. */
  readonly chunkSteps: number;
  readonly spoolFile: string;
  readonly checkpointFile: string;
  readonly checkpointSeconds: number;
}

/** What a run must record of the machinery that made it. */
export interface EngineProvenance {
  /** 'external': somebody's own program, of whose machinery only the machine is known. */
  readonly backend: 'compiled' | 'eager' | 'external';
  /** Set when compilation failed and the eager path took over. */
  readonly fallbackReason: string | null;
  readonly device: string;
  readonly threads: number;
  readonly tensorflow: string;
  readonly tfjs: string;
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly chunkSteps: number;
}

/** One line of a stack's spool file. `time` is UTC in epoch milliseconds. */
export type SpoolLine =
  | {
      readonly event: 'start';
      readonly time: number;
      readonly stack: string;
      readonly pid: number;
      readonly host: string;
      /** Steps already done: 0, or the checkpoint's step. Points of later steps are written again after this line. */
      readonly step: number;
      readonly cells: number;
      readonly engine: EngineProvenance;
      readonly dataChecksum: string;
    }
  | {
      readonly event: 'curve';
      readonly metric: Metric;
      /** Index of the first point (trainingLoss: step − 1; evaluation: index into marks). */
      readonly first: number;
      readonly points: number;
      readonly cells: number;
      /** points × cells little-endian float32, point-major, base64. Non-finite values are kept exactly. */
      readonly values: string;
    }
  | {
      /** A cell's loss or evaluation was not finite for the first time. */
      readonly event: 'diverged';
      readonly cell: number;
      readonly step: number;
      /** In words, where it was not that the loss was not finite. */
      readonly reason?: string | undefined;
    }
  | { readonly event: 'checkpoint'; readonly time: number; readonly step: number; readonly file: string }
  | {
      readonly event: 'finished';
      readonly time: number;
      /** Less than the job's steps when every cell had diverged. */
      readonly step: number;
      readonly trainMilliseconds: number;
      readonly evaluateMilliseconds: number;
      readonly compileMilliseconds: number;
      readonly peakResidentBytes: number;
    }
  | {
      /** The trainer stopped before the end, by its own account. */
      readonly event: 'stopped';
      readonly time: number;
      readonly step: number;
      /** killed: an external program was, by somebody else. */
      readonly reason: 'asked' | 'out-of-memory' | 'error' | 'disk-full' | 'killed';
      readonly message: string;
    };

/** Lines on file descriptor 3. */
export type TrainerMessage =
  | { readonly type: 'phase'; readonly phase: 'loading' | 'compiling' | 'training' | 'evaluating' | 'saving' }
  | { readonly type: 'spooled'; readonly bytes: number; readonly step: number }
  | { readonly type: 'notice'; readonly message: string };

/** What a stack's program is made from. */
export type StackConfiguration = Pick<
  StackJob,
  'workload' | 'optimizer' | 'batchSize' | 'learningRates' | 'seeds' | 'evaluationExamples' | 'streams'
> &
  TrainingOptions & {
    /** Length of the run, which a schedule needs. */
    readonly steps?: number | undefined;
  };

/** What main/training/calibrate.ts reads: all configurations share one workload. */
export interface CalibrationRequest {
  readonly threads: number;
  /** Only load the data and report their checksum. */
  readonly checksumOnly: boolean;
  /** A stack that would need more than this is measured with fewer cells, or not at all; null is no limit. */
  readonly memoryBytes: number | null;
  readonly configurations: readonly StackConfiguration[];
}

/** How fast one stack shape trains here. */
export interface Measurement {
  readonly batchSize: number;
  /** Fewer than asked for where those would not fit in memory. */
  readonly cells: number;
  readonly microsecondsPerRunStep: number;
  readonly evaluateMillisecondsPerCell: number;
  /** Building and compiling the program, without the process's start. */
  readonly openMilliseconds: number;
  readonly mode: 'compiled' | 'eager';
}

/** First a 'data' line, then, unless only the checksum is wanted, a 'memory' line and one line a shape. */
export type CalibrationReply =
  | {
      readonly type: 'data';
      readonly dataChecksum: string;
      /** Trained parameters of one cell. */
      readonly parameters: number | null;
    }
  | { readonly type: 'memory'; readonly model: MemoryModel }
  | ({ readonly type: 'measured' } & Measurement)
  | {
      readonly type: 'failed';
      readonly batchSize: number;
      readonly cells: number;
      readonly message: string;
    };
