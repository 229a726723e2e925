/** From timings to the table, the means and the verdict on the targets. */

import type { Model } from './task.ts';

export interface Row {
  readonly model: Model;
  readonly batchSize: number;
  /** Cells of the stack that our compiled engine was fastest with. */
  readonly cellsPerStack: number;
  /** Median microseconds per run-step; null where the contender did not run. */
  readonly microseconds: Readonly<Record<ContenderName, number | null>>;
  /** All timings, in the order in which they were taken. */
  readonly timings: Readonly<Record<ContenderName, readonly number[]>>;
}

export const contenderNames = ['torch', 'jax', 'eager', 'compiled'] as const;
export type ContenderName = (typeof contenderNames)[number];

export interface Target {
  readonly name: string;
  /** Null when the rival did not run. */
  readonly met: boolean | null;
  /** The worst (or mean) ratio that decided. */
  readonly value: number | null;
  readonly at: string;
  readonly least: number;
}

/** How many times faster the compiled engine is; null without the rival. */
export function ratio(row: Row, rival: ContenderName): number | null {
  const [other, ours] = [row.microseconds[rival], row.microseconds.compiled];
  return other === null || ours === null ? null : other / ours;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

export function meanRatio(rows: readonly Row[], rival: ContenderName): number | null {
  const ratios = rows.map((row) => ratio(row, rival)).filter((value) => value !== null);
  return ratios.length === 0 ? null : geometricMean(ratios);
}

export function modelName(model: Model): string {
  return model.kind === 'mlp' ? `MLP H = ${model.hidden}` : model.kind.toUpperCase();
}

/** The product's targets for the compiled engine, of the models that were measured. */
export function targets(rows: readonly Row[]): Target[] {
  const of = (kind: Model['kind'], largestBatch = Infinity) =>
    rows.filter((row) => row.model.kind === kind && row.batchSize <= largestBatch);
  const mlp = of('mlp');
  const small = mlp.filter(
    (row) => row.model.kind === 'mlp' && row.model.hidden === 32 && row.batchSize <= 16,
  );
  const mean = meanRatio(mlp, 'jax');
  const perceptron: Target[] = [
    worst('MLP: compiled ≥ 10 × PyTorch loop at H = 32, B ≤ 16', small, 'torch', 10),
    worst('MLP: compiled ≥ 2.5 × PyTorch loop everywhere', mlp, 'torch', 2.5),
    worst('MLP: compiled ≥ 0.95 × JAX everywhere', mlp, 'jax', 0.95),
    {
      name: 'MLP: compiled ≥ 1.3 × JAX in geometric mean',
      met: mean === null ? null : mean >= 1.3,
      value: mean,
      at: 'mean',
      least: 1.3,
    },
  ];
  const others = [
    { kind: 'cnn', name: 'CNN: compiled ≥ 3 × PyTorch loop at B = 1', batch: 1, rival: 'torch', least: 3 },
    {
      kind: 'cnn',
      name: 'CNN: compiled ≥ 1.5 × PyTorch loop at B ≤ 4',
      batch: 4,
      rival: 'torch',
      least: 1.5,
    },
    {
      kind: 'cnn',
      name: 'CNN: compiled ≥ PyTorch loop everywhere',
      batch: Infinity,
      rival: 'torch',
      least: 1,
    },
    { kind: 'cnn', name: 'CNN: compiled ≥ 10 × JAX everywhere', batch: Infinity, rival: 'jax', least: 10 },
    { kind: 'gpt', name: 'GPT: compiled ≥ 3 × PyTorch loop at B = 1', batch: 1, rival: 'torch', least: 3 },
    {
      kind: 'gpt',
      name: 'GPT: compiled ≥ PyTorch loop everywhere',
      batch: Infinity,
      rival: 'torch',
      least: 1,
    },
  ] as const;
  return [
    ...(mlp.length === 0 ? [] : perceptron),
    ...others.flatMap(({ kind, name, batch, rival, least }) => {
      const measured = of(kind, batch);
      return measured.length === 0 ? [] : [worst(name, measured, rival, least)];
    }),
  ];
}

function worst(name: string, rows: readonly Row[], rival: ContenderName, least: number): Target {
  let found: { value: number; at: string } | null = null;
  for (const row of rows) {
    const value = ratio(row, rival);
    if (value !== null && (found === null || value < found.value))
      found = { value, at: `${modelName(row.model)}, B = ${row.batchSize}` };
  }
  return found === null
    ? { name, met: null, value: null, at: '', least }
    : { name, met: found.value >= least, ...found, least };
}

const number = (value: number | null) =>
  value === null ? '–' : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

export function table(rows: readonly Row[]): string {
  const head = [
    'model',
    'B',
    'PyTorch loop',
    'JAX',
    'eager',
    'compiled',
    'cells',
    '× PyTorch',
    '× JAX',
    '× eager',
  ];
  const lines = rows.map((row) => [
    modelName(row.model),
    String(row.batchSize),
    ...contenderNames.map((name) => number(row.microseconds[name])),
    String(row.cellsPerStack),
    ...(['torch', 'jax', 'eager'] as const).map((rival) => number(ratio(row, rival))),
  ]);
  const means = (['torch', 'jax', 'eager'] as const).map((rival) => number(meanRatio(rows, rival)));
  lines.push(['geometric mean', '', '', '', '', '', '', ...means]);
  const widths = head.map((title, c) =>
    Math.max(title.length, ...lines.slice(0, -1).map((line) => line[c].length)),
  );
  const show = (cells: readonly string[]) => cells.map((cell, c) => cell.padStart(widths[c])).join('  ');
  const last = `${lines.at(-1)![0].padEnd(widths.slice(0, 7).reduce((a, w) => a + w + 2, -2))}  ${means.map((m, i) => m.padStart(widths[7 + i])).join('  ')}`;
  return [show(head), ...lines.slice(0, -1).map(show), last].join('\n');
}
