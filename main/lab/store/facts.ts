/**
 * What the lab decides, as lines of its journal. A fact carries its own time, keys and effects, and never depends on
 * what trainers had done by then, so that applying the journal first and the spools afterwards gives the same store.
 */
import { z } from 'zod';
import type { Specification } from '#shared/experiment/specification.ts';
import type { SavedFigureRecord } from '#shared/figure/saved-figure.ts';
import type { ImportMapping } from '#shared/import/mapping.ts';
import type { ImportReport } from '#shared/import/report.ts';
import type { FamilyAnalysis } from '#shared/import/sweep.ts';
import type { PredictionRecord } from '#shared/theory/prediction-record.ts';

const count = z.number().int().nonnegative();
const settings = z.object({
  threads: count,
  chunkSteps: count,
  mode: z.enum(['compiled', 'eager']),
});
const plan = z.object({
  batchSize: z.number(),
  learningRates: z.array(z.number()),
  seeds: z.array(z.number()),
  steps: count,
  marks: z.array(count),
});

/** Checked when it came in; not again here, so that a rebuild never fails on a file that older rules allowed. */
const specification = z.custom<Specification>(
  (value) => typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string',
);

const anObject = (value: unknown) => typeof value === 'object' && value !== null;

/** The part of a configuration that all cells of a batch size share. */
export const commonSchema = z.looseObject({ steps: count, marks: z.array(count) });

export const factSchema = z.discriminatedUnion('fact', [
  z.object({
    fact: z.literal('experiment'),
    time: count,
    key: z.string(),
    specification,
    /** Canonical configurations without batch size, learning rate and seed. */
    commons: z.array(commonSchema),
    /** [index into commons, batch size, learning rate, seed], in grid order. */
    cells: z.array(z.tuple([count, z.number(), z.number(), z.number()])),
  }),
  z.object({
    fact: z.literal('stacks'),
    time: count,
    experiment: z.string(),
    /** `columns`: the cells of the stack that it trains for the store; others of its rectangle were done already. */
    stacks: z.array(z.object({ key: z.string(), plan, settings, columns: z.array(count) })),
  }),
  z.object({
    fact: z.literal('started'),
    time: count,
    stack: z.string(),
    pid: count,
    startTicks: count,
    /** Bytes of the spool in the store by then; endings before it belong to earlier attempts. */
    offset: count,
  }),
  z.object({
    fact: z.literal('ended'),
    time: count,
    stack: z.string(),
    state: z.enum(['interrupted', 'out-of-memory', 'failed']),
    reason: z.string(),
    /** The stack's count of failures from now on. */
    failures: count,
  }),
  z.object({
    fact: z.literal('reset'),
    time: count,
    experiment: z.string(),
    stacks: z.array(z.object({ key: z.string(), columns: z.array(count) })),
  }),
  z.object({
    fact: z.literal('import'),
    time: count,
    /** Names the file of the spool folder that holds the rows. */
    key: z.string(),
    identity: z.string(),
    name: z.string(),
    file: z.string(),
    checksum: z.string(),
    bytes: count,
    // Checked when they came in, like specifications.
    mapping: z.custom<ImportMapping>(anObject),
    report: z.custom<ImportReport>(anObject),
    batchUnit: z.string(),
    goal: z.enum(['minimize', 'maximize']),
    families: z.array(
      z.object({
        experiment: z.string(),
        name: z.string(),
        label: z.string(),
        family: z.record(z.string(), z.string()),
        missing: count,
        analyses: z.custom<readonly FamilyAnalysis[]>(Array.isArray),
        cells: count,
      }),
    ),
  }),
  z.object({
    fact: z.literal('prediction'),
    time: count,
    key: z.string(),
    experiment: z.string(),
    record: z.custom<PredictionRecord>(anObject),
  }),
  z.object({
    fact: z.literal('figure'),
    time: count,
    experiment: z.string(),
    name: z.string(),
    /** Null: it is kept no longer. */
    record: z.custom<SavedFigureRecord>(anObject).nullable(),
  }),
  z.object({ fact: z.literal('hold'), time: count, experiment: z.string(), reason: z.string().nullable() }),
  z.object({ fact: z.literal('archive'), time: count, experiment: z.string(), archived: z.boolean() }),
  z.object({
    fact: z.literal('annotate'),
    time: count,
    experiment: z.string(),
    name: z.string().optional(),
    notes: z.string().optional(),
    tags: z.array(z.string()).optional(),
  }),
  z.object({ fact: z.literal('delete'), time: count, experiment: z.string() }),
  z.object({
    fact: z.literal('event'),
    time: count,
    experiment: z.string().nullable(),
    stack: z.string().nullable(),
    kind: z.string(),
    message: z.string(),
  }),
]);

export type Fact = z.output<typeof factSchema>;
export type FactOf<Name extends Fact['fact']> = Extract<Fact, { fact: Name }>;
