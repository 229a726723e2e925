/**
 * The one contract between the lab and its windows. Handlers, the preload bridge and LabClient all derive from this
 * object: a call that is not here does not exist, and every argument is parsed by its schema at the lab's door.
 */
import { z } from 'zod';
import { metrics } from '../experiment/stack.ts';
import type { SpecificationInput } from '../experiment/specification.ts';
import type {
  AboutLab,
  AboutSlurm,
  CellDetail,
  DesignPreview,
  EngineState,
  ExperimentCard,
  ExperimentDetail,
  FigureFile,
  KeptFigure,
  RedrawnFigure,
  ImportPreview,
  Job,
  LabSettings,
  MeasuredSpeeds,
  LossCurve,
  QueueState,
  SlurmState,
  StoredPrediction,
  StoreState,
  WatchDelta,
  WatchSnapshot,
} from './types.ts';

declare const resultType: unique symbol;

/** One call: the schema of its argument and the type of its result. */
export interface Call<Argument extends z.ZodType, Result> {
  readonly argument: Argument;
  readonly [resultType]?: Result;
}

export interface Event<Payload> {
  readonly [resultType]?: Payload;
}

function call<Result>() {
  return <Argument extends z.ZodType>(argument: Argument): Call<Argument, Result> => ({ argument });
}

function event<Payload>(): Event<Payload> {
  return {};
}

const nothing = z.undefined();
const key = z.string().regex(/^[0-9a-z]{4,64}$/, 'not the key of an experiment');
const experiment = z.strictObject({ experiment: key });
const cursor = z.number().int().nonnegative();
const cell = z.number().int().nonnegative().max(0xffffffff);
const text = z.string().max(1_000_000);
const metric = z.enum(metrics);
const count = z.number().int().min(1).max(100_000);
const sbatchValue = z.string().regex(/^\S{1,200}$/, 'must be one word');
/** An import or restore never names a path: bytes come first, under a name of the lab's choosing. */
const upload = z.string().regex(/^[0-9a-f]{32}$/, 'not the name of an upload');

export const calls = {
  'experiments.list': call<ExperimentCard[]>()(z.strictObject({ archived: z.boolean() })),
  'experiments.get': call<ExperimentDetail>()(experiment),
  'experiments.create': call<{ experiment: string; isNew: boolean }>()(
    z.strictObject({ text, start: z.boolean() }),
  ),
  /** The digits demo, ready to watch. */
  'experiments.createDemo': call<{ experiment: string; isNew: boolean }>()(nothing),
  'experiments.annotate': call<null>()(
    z.strictObject({
      experiment: key,
      name: z.string().trim().min(1).max(200).optional(),
      notes: z.string().max(100_000).optional(),
      tags: z.array(z.string().trim().min(1).max(50)).max(50).optional(),
    }),
  ),
  'experiments.archive': call<null>()(z.strictObject({ experiment: key, archived: z.boolean() })),
  'experiments.delete': call<null>()(experiment),
  /** A new experiment file with learning rates added around the measured optimum. */
  'experiments.refine': call<{ text: string; added: number; sentence: string }>()(
    z.strictObject({ experiment: key, step: z.number().int().positive().optional() }),
  ),

  /** Text and form are two views of one specification: either goes in, both come out. */
  'design.preview': call<DesignPreview>()(
    z.union([
      z.strictObject({ text }),
      z.strictObject({
        input: z.custom<SpecificationInput>((value) => typeof value === 'object' && value !== null),
      }),
    ]),
  ),
  /** Measures this machine for a specification's workload (seconds; cached), so that the preview knows the cost. */
  'design.measure': call<{ job: string }>()(z.strictObject({ text })),
  'design.examples': call<{ name: string; title: string; text: string }[]>()(nothing),

  'training.start': call<null>()(experiment),
  /** Checkpoints, stops, and stays held until it is started again. */
  'training.pause': call<null>()(experiment),
  'training.rerunFailed': call<{ cells: number }>()(experiment),
  'training.queue': call<QueueState>()(nothing),

  'slurm.about': call<AboutSlurm>()(nothing),
  /** Trains what an experiment misses as a Slurm job array; `folder` must be on a disk that every node sees. */
  'slurm.submit': call<{ job: string; tasks: number }>()(
    z.strictObject({
      experiment: key,
      folder: z
        .string()
        .max(1000)
        .regex(/^\/[^\s'"\\]*$/, 'must be a whole path without spaces or quotes'),
      stacksPerTask: count,
      cellsPerStack: count,
      threads: count.max(1024),
      arrayLimit: count.optional(),
      partition: sbatchValue.optional(),
      gres: sbatchValue.optional(),
      time: sbatchValue.optional(),
      mem: sbatchValue.optional(),
      account: sbatchValue.optional(),
      /** Any other option of sbatch: --qos=low. */
      sbatch: z
        .array(z.string().regex(/^--[\w-]+(=[^\n\r]{0,200})?$/, 'must look like --qos=low'))
        .max(20)
        .optional(),
      template: z
        .string()
        .regex(/^[\w-]{1,60}$/)
        .optional(),
    }),
  ),
  'slurm.state': call<SlurmState | null>()(experiment),
  /** Queues the tasks again that were lost or failed. */
  'slurm.resubmit': call<{ tasks: number }>()(experiment),
  'slurm.cancel': call<{ jobs: string[] }>()(experiment),

  /** Opens the stream of `watch.delta` events. With a cursor that is still known, the snapshot is null and a delta follows. */
  'watch.open': call<WatchSnapshot | null>()(
    z.strictObject({ experiment: key, metric, cursor: cursor.optional() }),
  ),
  'watch.close': call<null>()(z.strictObject({ experiment: key, metric })),
  'cells.detail': call<CellDetail>()(z.strictObject({ experiment: key, cell })),
  'cells.trainingLoss': call<LossCurve[]>()(
    z.strictObject({ experiment: key, cells: z.array(cell).min(1).max(64) }),
  ),
  'predictions.list': call<StoredPrediction[]>()(experiment),

  /** A figure specification (shared/figure/specification.ts) drawn by the lab into one file format. */
  'figures.render': call<FigureFile[]>()(
    z.strictObject({
      experiments: z.array(key).min(1).max(6),
      specification: z.record(z.string(), z.json()),
      formats: z.array(z.enum(['svg', 'pdf', 'png', 'tex', 'csv', 'json', 'md'])).min(1),
      preset: z.string().min(1).max(60),
      dotsPerInch: z.number().int().min(30).max(2400).default(300),
    }),
  ),

  /** Figures kept with an experiment. */
  'figures.list': call<KeptFigure[]>()(experiment),
  /** Draws it, and keeps it with its numbers in the place of the one of that name; the first experiment keeps it. */
  'figures.keep': call<KeptFigure>()(
    z.strictObject({
      name: z.string().trim().min(1).max(120),
      experiments: z.array(key).min(1).max(6),
      specification: z.record(z.string(), z.json()),
      preset: z.string().min(1).max(60),
    }),
  ),
  'figures.forget': call<null>()(z.strictObject({ experiment: key, name: z.string().min(1).max(120) })),
  /** Draws all kept figures of an experiment from what is stored now, says what changed, and keeps the new numbers. */
  'figures.redraw': call<RedrawnFigure[]>()(experiment),

  'upload.begin': call<{ upload: string }>()(
    z.strictObject({
      name: z.string().min(1).max(255),
      bytes: z
        .number()
        .int()
        .nonnegative()
        .max(16 * 2 ** 30),
    }),
  ),
  'upload.append': call<{ bytes: number }>()(
    z.strictObject({ upload, offset: cursor, bytes: z.instanceof(Uint8Array) }),
  ),
  'import.preview': call<ImportPreview>()(
    z.strictObject({
      upload,
      preset: z.string().max(60).optional(),
      /** Field to column, as `surge import --map` has it. */
      map: z.record(z.string().max(60), z.string().max(500)).optional(),
    }),
  ),
  'import.store': call<{ experiments: string[]; isNew: boolean }>()(
    z.strictObject({
      upload,
      name: z.string().trim().min(1).max(200),
      preset: z.string().max(60).optional(),
      map: z.record(z.string().max(60), z.string().max(500)).optional(),
    }),
  ),
  'import.presets': call<{ name: string; title: string }[]>()(nothing),

  'lab.about': call<AboutLab>()(nothing),
  'settings.set': call<LabSettings>()(
    z.strictObject({
      theme: z.enum(['system', 'light', 'dark']).optional(),
      threads: z.number().int().min(1).max(1024).nullable().optional(),
      maxCellsPerStack: z.number().int().min(1).max(100_000).nullable().optional(),
    }),
  ),
  'engine.check': call<EngineState>()(nothing),
  'engine.install': call<{ job: string }>()(z.strictObject({ device: z.enum(['cpu', 'cuda']) })),
  /** Measured speeds are thrown away: the next experiment is measured anew. */
  'speeds.forget': call<MeasuredSpeeds>()(nothing),
  'store.backup': call<StoreState>()(nothing),
  /** Puts a backup in the store's place; the present store is kept beside it. */
  'store.restore': call<StoreState>()(z.strictObject({ backup: z.string().regex(/^[\w.-]{1,200}$/) })),
} as const;

export const events = {
  /** Something about the list or one experiment's card changed; read it again. */
  'experiments.changed': event<{ experiments: readonly string[] }>(),
  'watch.delta': event<WatchDelta>(),
  'queue.changed': event<QueueState>(),
  'job.changed': event<Job>(),
  'settings.changed': event<LabSettings>(),
} as const;

export type CallName = keyof typeof calls;
export type EventName = keyof typeof events;
/** What a caller may write: defaults may be left out. */
export type CallArgument<Name extends CallName> = z.input<(typeof calls)[Name]['argument']>;
export type ParsedArgument<Name extends CallName> = z.output<(typeof calls)[Name]['argument']>;
export type CallResult<Name extends CallName> =
  (typeof calls)[Name] extends Call<z.ZodType, infer Result> ? Result : never;
export type EventPayload<Name extends EventName> =
  (typeof events)[Name] extends Event<infer Payload> ? Payload : never;
