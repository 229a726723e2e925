/** A synthetic experiment of any size in a real store: its stacks' spools written as trainers write them, and ingested. */
import { appendFileSync } from 'node:fs';
import { specificationSchema, type Specification } from '#shared/experiment/specification.ts';
import { cellConfigurations } from '#shared/experiment/cells.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import { stackSpoolFile } from '#main/lab/store/index.ts';
import type { ExperimentSummary, Stack, WritableStore } from '#main/lab/store/types.ts';
import type { SpoolLine } from '#main/training/protocol.ts';
import { startLine } from './store-data.ts';

export interface LargeGrid {
  readonly name: string;
  readonly batchSizes: number;
  readonly learningRates: number;
  readonly seeds: number;
  /** One a step. */
  readonly marks: number;
}

/** 12,000 cells × 500 marks. */
export const LARGE: LargeGrid = { name: 'large', batchSizes: 20, learningRates: 60, seeds: 10, marks: 500 };
const RATES_PER_STACK = 12;

function specificationOf({ name, batchSizes, learningRates, seeds, marks }: LargeGrid): Specification {
  return specificationSchema.parse({
    name,
    workload: { kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] },
    optimizer: { kind: 'sign' },
    learningRates: { log: { from: 1e-4, to: 1e-1, count: learningRates } },
    batchSizes: { list: Array.from({ length: batchSizes }, (_, i) => i + 1) },
    seeds,
    length: { steps: marks },
    marks: { geometricPerDecade: 0, list: Array.from({ length: marks }, (_, i) => i + 1) },
    recordTrainingLoss: false,
  });
}

/** A loss with a ridge that peaks and moves, and a little noise of each seed. */
function lossAt(batchSize: number, learningRate: number, seed: number, step: number): number {
  const peak = 12 / (1 + step / 150);
  const optimum = Math.log(3e-3) - 0.25 * Math.log(batchSize / peak) ** 2;
  const gain = Math.exp(-0.15 * (Math.log(learningRate) - optimum) ** 2);
  const noise = 0.01 * Math.sin(12.9898 * seed + 78.233 * batchSize + 37.719 * Math.log(learningRate));
  return 2.3 / (1 + 0.02 * step * gain) + noise;
}

export function createLarge(
  store: WritableStore,
  grid: LargeGrid,
): { experiment: ExperimentSummary; stacks: Stack[] } {
  const specification = specificationOf(grid);
  const axes = expandGrid(specification);
  const experiment = store.createExperiment(specification, cellConfigurations(specification, axes, ''));
  const plans = axes.batchSizes.flatMap((batchSize) =>
    Array.from({ length: Math.ceil(axes.learningRates.length / RATES_PER_STACK) }, (_, i) => ({
      plan: {
        batchSize,
        learningRates: axes.learningRates.slice(i * RATES_PER_STACK, (i + 1) * RATES_PER_STACK),
        seeds: axes.seeds,
        steps: grid.marks,
        marks: axes.marksFor(batchSize),
      },
      settings: { threads: 1, chunkSteps: 10, mode: 'compiled' as const },
    })),
  );
  return { experiment, stacks: store.planStacks(experiment.id, plans) };
}

/** Trains a stack from mark to mark (exclusive) in no time; the last mark finishes it. */
export function feed(store: WritableStore, stack: Stack, from: number, to: number): void {
  const cells = stack.learningRates.length * stack.seeds.length;
  const lines: SpoolLine[] = from === 0 ? [startLine(stack.key, 0, cells)] : [];
  const rates = stack.learningRates.length;
  for (let mark = from; mark < to; mark++) {
    const values = Float32Array.from({ length: cells }, (_, cell) =>
      lossAt(
        stack.batchSize,
        stack.learningRates[cell % rates],
        stack.seeds[Math.floor(cell / rates)],
        mark + 1,
      ),
    );
    const encoded = Buffer.from(values.buffer).toString('base64');
    lines.push({ event: 'curve', metric: 'evaluationLoss', first: mark, points: 1, cells, values: encoded });
  }
  if (to === stack.steps)
    lines.push({
      event: 'finished',
      time: 5000,
      step: to,
      ...{ trainMilliseconds: 1, evaluateMilliseconds: 1, compileMilliseconds: 1, peakResidentBytes: 1 },
    });
  appendFileSync(
    stackSpoolFile(store.spoolFolder, stack.key),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
  store.ingest(stack.key);
}
