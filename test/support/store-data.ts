/** A small experiment and the spool that a trainer would write for one of its stacks. */
import { specificationSchema, type Specification } from '#shared/experiment/specification.ts';
import type { CellConfiguration, Metric, StackPlan } from '#shared/experiment/stack.ts';
import type { SpoolLine } from '#main/training/protocol.ts';
import type { StackSettings } from '#main/lab/store/types.ts';

export const batchSizes = [1, 2];
export const learningRates = [0.1, 0.2, 0.4];
export const seeds = [0, 1];
export const steps = 8;
export const marks = [1, 2, 4, 8];
export const width = learningRates.length * seeds.length;

export function specification(name = 'small'): Specification {
  return specificationSchema.parse({
    name,
    workload: { kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] },
    optimizer: { kind: 'sign' },
    learningRates: { list: learningRates },
    batchSizes: { list: batchSizes },
    seeds: seeds.length,
    length: { steps },
  });
}

export function cellConfigurations(batches: readonly number[] = batchSizes): CellConfiguration[] {
  const { workload, optimizer } = specification();
  return batches.flatMap((batchSize) =>
    learningRates.flatMap((learningRate) =>
      seeds.map((seed) => ({
        workload,
        optimizer,
        batchSize,
        learningRate,
        seed,
        steps,
        marks,
        evaluationExamples: 10,
        recordTrainingLoss: true,
        streams: 'common' as const,
        dataChecksum: '',
      })),
    ),
  );
}

export const settings: StackSettings = { threads: 1, chunkSteps: 2, mode: 'compiled' };

export function planFor(batchSize: number): { plan: StackPlan; settings: StackSettings } {
  return { plan: { batchSize, learningRates, seeds, steps, marks }, settings };
}

export function text(line: SpoolLine | object): string {
  return `${JSON.stringify(line)}\n`;
}

export function startLine(stack: string, step = 0, cells = width): SpoolLine {
  return {
    event: 'start',
    time: 1000 + step,
    stack,
    pid: 7,
    host: 'here',
    step,
    cells,
    engine: {
      backend: 'compiled',
      fallbackReason: null,
      device: 'CPU',
      threads: 1,
      tensorflow: '2.21.0',
      tfjs: '4.22.0',
      node: '24.0.0',
      platform: 'linux',
      cpu: 'test',
      chunkSteps: 2,
    },
    dataChecksum: 'abc',
  };
}

export function curveLine(
  metric: Metric,
  first: number,
  values: readonly number[],
  cells = width,
): SpoolLine {
  const bytes = Buffer.from(new Float32Array(values).buffer);
  return {
    event: 'curve',
    metric,
    first,
    points: values.length / cells,
    cells,
    values: bytes.toString('base64'),
  };
}

export const finishedLine: SpoolLine = {
  event: 'finished',
  time: 5000,
  step: steps,
  trainMilliseconds: 10.5,
  evaluateMilliseconds: 2.25,
  compileMilliseconds: 1,
  peakResidentBytes: 12345,
};

/** A value that tells its place: metric, point and cell. */
export function valueAt(metric: Metric, point: number, cell: number): number {
  return Math.fround((metric === 'trainingLoss' ? 1 : 2) * 1000 + point * 10 + cell + 0.5);
}

function points(metric: Metric, first: number, count: number): SpoolLine {
  const values = Array.from({ length: count * width }, (_, i) =>
    valueAt(metric, first + Math.floor(i / width), i % width),
  );
  return curveLine(metric, first, values);
}

/** Lines of the steps from < s ≤ to: training loss two steps a line, evaluation at the marks. */
export function trainLines(from: number, to: number): SpoolLine[] {
  const lines: SpoolLine[] = [];
  for (let step = from; step < to; step += 2) {
    const end = Math.min(step + 2, to);
    lines.push(points('trainingLoss', step, end - step));
    marks.forEach((mark, index) => {
      if (mark > step && mark <= end) lines.push(points('evaluationLoss', index, 1));
    });
  }
  return lines;
}

/** A whole spool: one attempt that is interrupted after step 6, and a second one that goes on from step 4. */
export function wholeSpool(stack: string): string {
  return [
    startLine(stack),
    ...trainLines(0, 4),
    { event: 'diverged', cell: 3, step: 3 } as const,
    { event: 'checkpoint', time: 2000, step: 4, file: 'checkpoint' } as const,
    ...trainLines(4, 6),
    { event: 'diverged', cell: 2, step: 6 } as const,
    startLine(stack, 4),
    ...trainLines(4, 8),
    { event: 'diverged', cell: 2, step: 7 } as const,
    finishedLine,
  ]
    .map(text)
    .join('');
}
