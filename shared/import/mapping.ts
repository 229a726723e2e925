/** What the columns of somebody else's sweep mean. A mapping is a small file or comes from the import window. */
import { z } from 'zod';

const column = z.string().min(1).max(1_000);

/** A rule by which a finished run counts as failed. The first rule that matches names the failure. */
const failureRule = z
  .strictObject({
    /** What the report calls it, for example "diverged" or "collapsed". */
    label: z.string().min(1).max(100).default('diverged'),
    column,
    /** Failed when the number is above this, or is NaN or infinite. */
    above: z.number().optional(),
    /** Failed when the number is below this, or is NaN or infinite. */
    below: z.number().optional(),
    /** Failed when the text equals this, ignoring case, for example a flag column with "true". */
    equals: z.string().optional(),
  })
  .refine((rule) => [rule.above, rule.below, rule.equals].filter((part) => part !== undefined).length === 1, {
    message: 'give exactly one of above, below or equals',
  });

export const mappingSchema = z
  .strictObject({
    /** wandb-chart: one column a run. tensorboard: a folder of event files. `runs` says more about both. */
    format: z.enum(['auto', 'csv', 'tsv', 'jsonl', 'wandb-chart', 'tensorboard']).default('auto'),
    /** For formats in which the name of a run carries its settings. Rows get the columns run, step, loss and the pattern's. */
    runs: z
      .strictObject({
        /** The name of a run with {learningRate}, {batchSize}, {seed} or any other {column}; * stands for anything. */
        pattern: z.string().min(1).max(1_000).optional(),
        /** TensorBoard tag or W&B metric of the loss; not needed when there is only one. */
        metric: column.optional(),
        /** W&B: the column of the horizontal axis. */
        step: column.default('Step'),
      })
      .prefault({}),
    delimiter: z.enum([',', '\t', ';', '|']).optional(),
    /** Numbers are written 0,003. */
    decimalComma: z.boolean().default(false),
    columns: z.strictObject({
      learningRate: column.optional(),
      batchSize: column,
      /** Loss of the row: at its step, or final. */
      loss: column.optional(),
      /** Standard error of the loss. */
      lossError: column.optional(),
      /** Steps needed to reach a target, for sweeps that report those. */
      stepsToTarget: column.optional(),
      seed: column.optional(),
      step: column.optional(),
      tokens: column.optional(),
    }),
    /** Whether a smaller or a larger loss is better (accuracy, decrease of the loss). */
    goal: z.enum(['minimize', 'maximize']).default('minimize'),
    batch: z
      .strictObject({
        /** Name of the unit, for example samples, sequences or tokens. */
        unit: z.string().min(1).max(100).default('samples'),
        /** Units in one of the file's numbers, for example 2048 when the file counts sequences and `unit` is tokens. */
        scale: z.number().positive().default(1),
        /** Tokens in one unit: lets steps x batch be checked against the tokens column. */
        tokensPerUnit: z.number().positive().optional(),
        /** Column that names the unit of each row, and the scale of every unit that may occur. */
        unitColumn: column.optional(),
        scales: z.record(z.string(), z.number().positive()).default({}),
      })
      .prefault({}),
    /** Columns whose values tell the families of the file apart (model, tokens, checkpoint …). */
    families: z.array(column).max(20).default([]),
    failures: z.array(failureRule).max(20).default([]),
    /** Learning rates of a family this close (relative) are one grid value written in two ways. */
    learningRateTolerance: z.number().min(0).max(0.2).default(0.01),
  })
  .refine((mapping) => mapping.columns.loss !== undefined || mapping.columns.stepsToTarget !== undefined, {
    message: 'map a loss column, or one with the steps to a target',
    path: ['columns'],
  })
  .refine((mapping) => mapping.columns.loss === undefined || mapping.columns.learningRate !== undefined, {
    message: 'map the learning-rate column: a loss says nothing about the optimum without it',
    path: ['columns', 'learningRate'],
  });

export type ImportMapping = z.output<typeof mappingSchema>;
export type ImportMappingInput = z.input<typeof mappingSchema>;
export type FailureRule = ImportMapping['failures'][number];

/**
 * A mapping as its parts: a preset, what a file changes of it, options. Members of columns, batch and runs are replaced
 * one by one, everything else as a whole. What a pattern names goes where it belongs: {seed} is the seed, {step} the
 * step, names of no column of the mapping are families.
 * @throws ZodError when the whole is no mapping.
 */
export function combineMappings(...parts: readonly Record<string, unknown>[]): ImportMapping {
  const whole: Record<string, unknown> = {};
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  for (const part of parts)
    for (const [name, value] of Object.entries(part)) {
      const before = whole[name];
      whole[name] = isObject(before) && isObject(value) ? { ...before, ...value } : value;
    }
  const mapping = mappingSchema.parse(whole);
  if (mapping.runs.pattern === undefined) return mapping;
  const named = [...mapping.runs.pattern.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const columns = { ...mapping.columns };
  if (named.includes('seed')) columns.seed ??= 'seed';
  const families = [...mapping.families];
  for (const name of named)
    if (!Object.values(columns).includes(name) && !families.includes(name)) families.push(name);
  return { ...mapping, columns, families };
}

/** Every column that a mapping names, without repeats. */
export function mappedColumns(mapping: ImportMapping): string[] {
  const named = [
    ...Object.values(mapping.columns),
    mapping.batch.unitColumn,
    ...mapping.families,
    ...mapping.failures.map((rule) => rule.column),
  ];
  return [...new Set(named.filter((name): name is string => name !== undefined))];
}
