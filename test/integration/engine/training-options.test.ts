/**
 * Coupled decay, clipping and schedules equal PyTorch's (test/support/reference/optimizers.py writes the trajectories),
 * and every optimizer keeps the promises of a stack with all of them at once.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { StackConfiguration } from '#main/training/build-stack.ts';
import { compiledBackend } from '#main/training/engine/compiled-backend.ts';
import { eagerBackend } from '#main/training/engine/eager-backend.ts';
import type { StackSession } from '#main/training/engine/program.ts';
import { optimizerFor } from '#main/training/optimizers/optimizer.ts';
import { assembleStack, type AssembledStack, type StepOptions } from '#main/training/stack-program.ts';
import type { Workload } from '#main/training/workloads/workload.ts';
import { rateFactor, scheduleSchema, type RateSchedule } from '#shared/experiment/schedule.ts';
import { optimizerSchema } from '#shared/experiment/specification.ts';
import type { GradientClipping } from '#shared/experiment/training-options.ts';
import { bits, describeWithEngine, engine, ofCell, optimizers } from '../../support/engine.ts';
import { numbers } from '../../support/numbers.ts';

const { trajectories } = JSON.parse(
  readFileSync(new URL('../../support/reference/optimizers.json', import.meta.url), 'utf8'),
) as { readonly trajectories: Readonly<Record<string, readonly (readonly number[])[]>> };

type Optimizer = StackConfiguration['optimizer'];
const written = (optimizer: Parameters<typeof optimizerSchema.parse>[0]): Optimizer =>
  optimizerSchema.parse(optimizer);
const schedule = (one: Parameters<typeof scheduleSchema.parse>[0]): RateSchedule => scheduleSchema.parse(one);
const norm = (limit: number): GradientClipping => ({ kind: 'norm', limit });
const value = (limit: number): GradientClipping => ({ kind: 'value', limit });

interface Case {
  readonly rate: number;
  readonly optimizer: Optimizer;
  readonly clipping?: GradientClipping;
  readonly schedule?: RateSchedule;
}

const cases: Readonly<Record<string, Case>> = {
  'sgd, coupled': { rate: 0.1, optimizer: written({ kind: 'sgd', weightDecay: 0.3 }) },
  'momentum, coupled': { rate: 0.05, optimizer: written({ kind: 'momentum', weightDecay: 0.3 }) },
  'nesterov, coupled': { rate: 0.05, optimizer: written({ kind: 'nesterov', weightDecay: 0.3 }) },
  'sign, coupled': { rate: 0.1, optimizer: written({ kind: 'sign', weightDecay: 2 }) },
  'signum, coupled': { rate: 0.1, optimizer: written({ kind: 'signum', beta: 0.8, weightDecay: 2 }) },
  'ema-momentum': { rate: 0.5, optimizer: written({ kind: 'ema-momentum' }) },
  'ema-momentum, coupled': { rate: 0.5, optimizer: written({ kind: 'ema-momentum', weightDecay: 0.3 }) },
  'adam, coupled': { rate: 0.1, optimizer: written({ kind: 'adam', weightDecay: 0.3 }) },
  'adagrad, coupled': { rate: 0.3, optimizer: written({ kind: 'adagrad', weightDecay: 0.3 }) },
  'rmsprop, coupled': { rate: 0.02, optimizer: written({ kind: 'rmsprop', weightDecay: 0.3 }) },
  'sgd, clipped by norm': { rate: 0.3, optimizer: written({ kind: 'sgd' }), clipping: norm(1) },
  'momentum, clipped by value, coupled': {
    rate: 0.1,
    optimizer: written({ kind: 'momentum', weightDecay: 0.3 }),
    clipping: value(0.5),
  },
  'adam, clipped by norm, coupled': {
    rate: 0.1,
    optimizer: written({ kind: 'adam', weightDecay: 0.3 }),
    clipping: norm(0.7),
  },
  'sgd, cosine': { rate: 0.3, optimizer: written({ kind: 'sgd' }), schedule: schedule({ kind: 'cosine' }) },
  'sgd, linear': {
    rate: 0.3,
    optimizer: written({ kind: 'sgd' }),
    schedule: schedule({ kind: 'linear', final: 0.25 }),
  },
  'momentum, drops at steps': {
    rate: 0.1,
    optimizer: written({ kind: 'momentum' }),
    schedule: schedule({ kind: 'step', factor: 0.5, atSteps: [3, 5] }),
  },
  'momentum, drops every 3 steps': {
    rate: 0.1,
    optimizer: written({ kind: 'momentum' }),
    schedule: schedule({ kind: 'step', factor: 0.5, everySteps: 3 }),
  },
  'adamw, warm-up and cosine, clipped': {
    rate: 0.1,
    optimizer: written({ kind: 'adamw', weightDecay: 0.5 }),
    schedule: schedule({ kind: 'cosine', warmUpSteps: 3, final: 0.1 }),
    clipping: norm(1),
  },
  'adafactor, warm-up and cosine': {
    rate: 0.6,
    optimizer: written({ kind: 'adafactor', weightDecay: 0.1 }),
    schedule: schedule({ kind: 'cosine', warmUpSteps: 2, final: 0.2 }),
  },
};

const STEPS = 8;
/** A matrix and a vector, so that a norm goes over both. */
const SHAPES = [[2, 3], [3]];
const COUNT = 9;
const CELLS = 3;
const parts = (flat: Float32Array) => [flat.slice(0, 6), flat.slice(6)];
const [curvature, center, start] = [
  parts(numbers(COUNT, 1, 0.8).map((x) => Math.fround(x + 1))),
  parts(numbers(COUNT, 2, 1)),
  parts(numbers(COUNT, 3, 2)),
];
const layout = {
  batchSize: 1,
  groups: 1,
  cellsPerGroup: CELLS,
  initialisationSeeds: [0, 0, 0],
  dataSeeds: [0],
};

/** Down a parabola, gradient h·(theta − center) + noise; with `poisoned` the vector of the last cell starts at NaN. */
function parabola(noise: (step: number) => Float32Array, poisoned: boolean): Workload {
  return {
    parameters: SHAPES.map((shape, i) => ({ name: `theta${i}`, shape })),
    initial: (i) =>
      Float32Array.from({ length: CELLS * start[i].length }, (_, at) =>
        poisoned && i === 1 && at >= (CELLS - 1) * start[i].length ? NaN : start[i][at % start[i].length],
      ),
    buffers: [],
    initialBuffer: () => new Float32Array(0),
    resident: SHAPES.flatMap((shape, i) => [
      { name: `h${i}`, shape: [1, ...shape], dtype: 'float32' as const, values: curvature[i] },
      { name: `center${i}`, shape: [1, ...shape], dtype: 'float32' as const, values: center[i] },
    ]),
    batchInputs: [
      {
        name: 'noise',
        shape: [1, COUNT],
        dtype: 'float32',
        fill: (out, first, steps) => {
          for (let s = 0; s < steps; s++) out.set(noise(first + s), s * COUNT);
        },
      },
    ],
    lossAndGradients(tf, theta, resident, [drawn]) {
      let loss = tf.zeros([CELLS]);
      const gradients = theta.map((parameter, i) => {
        const [h, c] = resident.slice(2 * i, 2 * i + 2);
        const distance = tf.sub(parameter, c);
        const axes = SHAPES[i].map((_, axis) => axis + 1);
        loss = tf.add(loss, tf.mul(tf.sum(tf.mul(h, tf.square(distance)), axes), 0.5));
        const own = tf.slice(drawn, [0, 6 * i], [1, start[i].length]);
        return tf.add(tf.mul(h, distance), tf.reshape(own, [1, ...SHAPES[i]]));
      });
      return { loss, gradients, buffers: [] };
    },
    evaluationTiles: 1,
    evaluationData: [{ name: 'one', shape: [1, 1], dtype: 'float32', values: Float32Array.of(1) }],
    evaluationMetrics: ['evaluationLoss'],
    evaluate: (tf, [theta], [one]) => [tf.mul(tf.sum(tf.reshape(theta, [CELLS, -1]), 1), one)],
  };
}

function assemble(workload: Workload, one: Case, steps: number): AssembledStack {
  const options: StepOptions = {
    rateFactor:
      one.schedule === undefined ? null : (step) => rateFactor(one.schedule as RateSchedule, step, steps),
    gradientClipping: one.clipping,
  };
  return assembleStack(engine().tf, workload, optimizerFor(one.optimizer), layout, options);
}

const trainFrom = (session: StackSession, stack: AssembledStack, first: number, steps: number) =>
  session.train({ steps, perStep: stack.inputs(first, steps) });

describeWithEngine('training options equal PyTorch', () => {
  it('have a case for each trajectory', () => {
    expect(Object.keys(cases)).toEqual(Object.keys(trajectories));
  });

  for (const [name, one] of Object.entries(cases))
    for (const backend of [eagerBackend, compiledBackend])
      it(`${name}, ${backend === eagerBackend ? 'eager' : 'compiled'}`, async () => {
        const stack = assemble(
          parabola((step) => numbers(COUNT, 10 + step, 1), true),
          one,
          STEPS,
        );
        const rates = Float32Array.of(one.rate, one.rate / 2, one.rate);
        const session = await backend(engine().tf).open(stack.program, rates, 1);
        session.setState(stack.initialState());
        trajectories[name].forEach((theta, step) => {
          trainFrom(session, stack, step, 1);
          const state = session.getState();
          const ours = [0, 1].flatMap((i) => [...ofCell(state[i], CELLS, 0)]);
          ours.forEach((x, i) =>
            expect(Math.abs(x - theta[i]), `step ${step + 1}`).toBeLessThanOrEqual(2e-6),
          );
          // What is no number stays in its cell, and in its parameter unless a norm spreads it.
          const [matrix, vector] = [0, 1].map((i) => ofCell(state[i], CELLS, 2));
          expect(vector.every(Number.isNaN)).toBe(true);
          expect(matrix.every(Number.isNaN)).toBe(one.clipping?.kind === 'norm');
        });
        session.dispose();
      });
});

/** Everything at once; the rate suits a parabola of curvature about 1. */
const allAtOnce: Readonly<Record<keyof typeof optimizers, number>> = {
  sgd: 0.5,
  momentum: 0.1,
  'ema-momentum': 1,
  nesterov: 0.1,
  sign: 0.1,
  signum: 0.1,
  adam: 0.2,
  adamw: 0.2,
  adagrad: 1,
  rmsprop: 0.1,
  lion: 0.1,
  adafactor: 1,
};

describeWithEngine('every optimizer with a schedule and clipping', () => {
  it.each(Object.entries(allAtOnce))(
    '%s finds the minimum, and chunks and restored states change no bit',
    async (kind, rate) => {
      const { tf } = engine();
      const total = 120;
      const optimizer = optimizers[kind as keyof typeof optimizers];
      const stack = assemble(
        parabola(() => new Float32Array(COUNT), false),
        {
          rate,
          // Decay moves the minimum.
          optimizer: 'weightDecay' in optimizer ? { ...optimizer, weightDecay: 0 } : optimizer,
          schedule: schedule({ kind: 'cosine', warmUpShare: 0.05 }),
          clipping: norm(2),
        },
        total,
      );
      const rates = Float32Array.of(rate, rate / 2, rate / 4);
      const open = () => compiledBackend(tf).open(stack.program, rates, 50);
      const whole = await open();
      whole.setState(stack.initialState());
      const losses = [0, 50, 100].flatMap((first) => [
        ...trainFrom(whole, stack, first, Math.min(50, total - first)),
      ]);
      const end = whole.getState();
      expect(losses.at(-CELLS)).toBeLessThan(5e-3 * losses[0]);
      // One program is compiled when it is opened; chunks of any length use it.
      whole.setState(stack.initialState());
      const first = [...trainFrom(whole, stack, 0, 37)];
      const saved = whole.getState();
      whole.dispose();
      const restored = await open();
      restored.setState(saved);
      const rest = [...trainFrom(restored, stack, 37, 50), ...trainFrom(restored, stack, 87, total - 87)];
      expect(bits(Float32Array.from([...first, ...rest]))).toEqual(bits(Float32Array.from(losses)));
      expect(bits(...restored.getState())).toEqual(bits(...end));
      restored.dispose();
    },
  );
});
