/** Specifications for tests. */
import fc from 'fast-check';
import { specificationSchema } from '#shared/experiment/specification.ts';
import type { Specification, SpecificationInput } from '#shared/experiment/specification.ts';

export const smallInput: SpecificationInput = {
  name: 'small',
  workload: { kind: 'mlp' },
  optimizer: { kind: 'sign' },
  learningRates: { log: { from: 1e-3, to: 1e-1, count: 5 } },
  batchSizes: { list: [1, 4, 16] },
  seeds: 2,
  length: { steps: 20 },
};

export function specification(change: Partial<SpecificationInput> = {}): Specification {
  return specificationSchema.parse({ ...smallInput, ...change });
}

const rate = fc.double({ min: 1e-9, max: 1e3, noNaN: true, noDefaultInfinity: true });
const batch = fc.integer({ min: 1, max: 1e6 });

function ordered<T extends { from: number; to: number }>(range: T): T {
  return range.from <= range.to ? range : { ...range, from: range.to, to: range.from };
}

/** Ranges with from clearly below to that ask for at least two values. */
export function ranges(kind: 'learningRates' | 'batchSizes') {
  const end = kind === 'learningRates' ? rate : batch;
  const ends = { from: end, to: end };
  const apart = (range: { from: number; to: number }) => range.to > range.from * (1 + 1e-6);
  return fc.oneof(
    fc
      .record({ ...ends, count: fc.integer({ min: 2, max: 200 }) })
      .map(ordered)
      .filter(apart)
      .map((log) => ({ log })),
    fc
      .record({ ...ends, perDecade: fc.integer({ min: 1, max: 20 }) })
      .map(ordered)
      .filter(apart)
      .map((log) => ({ log })),
    fc
      .record({ ...ends, count: fc.integer({ min: 2, max: 200 }) })
      .map(ordered)
      .filter(apart)
      .map((linear) => ({ linear })),
    fc
      .record({ ...ends, parts: fc.double({ min: 1, max: 200, noNaN: true }) })
      .map(ordered)
      .filter(apart)
      .map(({ from, to, parts }) => ({ linear: { from, to, step: (to - from) / parts } })),
  );
}

const list = (kind: 'learningRates' | 'batchSizes') =>
  fc
    .uniqueArray(kind === 'learningRates' ? rate : batch, {
      minLength: 1,
      maxLength: 12,
      comparator: (a, b) => Math.abs(a - b) <= 1e-6 * Math.max(a, b),
    })
    .map((values) => ({ list: values }));

const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 40 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
);

const workloads: fc.Arbitrary<SpecificationInput['workload']> = fc.oneof(
  fc.record({
    kind: fc.constant('mlp' as const),
    hidden: fc.array(fc.integer({ min: 1, max: 512 }), { maxLength: 3 }),
    activation: fc.constantFrom('relu' as const, 'tanh' as const),
    data: fc.oneof(
      fc.constant({ source: 'digits' as const }),
      fc.record({ source: fc.constant('idx' as const), images: text, labels: text }),
    ),
  }),
  fc.integer({ min: 1, max: 4 }).chain((n) => {
    const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: n, maxLength: n });
    return fc.record({
      kind: fc.constant('quadratic' as const),
      mu: numbers,
      sigma: numbers.map((values) => values.map(Math.abs)),
      hessian: numbers.map((d) => d.map((value, i) => d.map((_, j) => (i === j ? value : 0.25)))),
    });
  }),
);

const share = fc.double({ min: 0.001, max: 0.999, noNaN: true });
const schedules: fc.Arbitrary<SpecificationInput['schedule']> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('cosine' as const, 'linear' as const),
    final: share,
    warmUpShare: share,
  }),
  fc.record({ kind: fc.constant('constant' as const), warmUpSteps: fc.integer({ min: 1, max: 1000 }) }),
  fc.record({
    kind: fc.constant('step' as const),
    factor: share,
    atShares: fc.array(share, { minLength: 1 }),
  }),
  fc.record({
    kind: fc.constant('growth' as const),
    start: share,
    stages: fc.integer({ min: 2, max: 100 }),
  }),
);

/** Everything that a file can say, within what the lab accepts. */
export const specifications: fc.Arbitrary<Specification> = fc
  .record(
    {
      name: text.filter((name) => name.length <= 200),
      notes: fc.string({ unit: 'binary', maxLength: 300 }),
      workload: workloads,
      optimizer: fc.oneof(
        fc.constant({ kind: 'sgd' as const }),
        fc.constant({ kind: 'sign' as const }),
        fc.record({
          kind: fc.constant('momentum' as const),
          momentum: fc.double({ min: 0, max: 0.99, noNaN: true }),
        }),
        fc.record({
          kind: fc.constant('adam' as const),
          beta1: fc.double({ min: 0, max: 0.99, noNaN: true }),
          epsilon: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
      ),
      schedule: schedules,
      gradientClipping: fc.record({
        kind: fc.constantFrom('norm' as const, 'value' as const),
        limit: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      }),
      microBatch: fc.integer({ min: 1, max: 10_000 }),
      learningRates: fc.oneof(ranges('learningRates'), list('learningRates')),
      batchSizes: fc.oneof(ranges('batchSizes'), list('batchSizes')),
      seeds: fc.oneof(
        fc.integer({ min: 1, max: 20 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 1, maxLength: 5 }),
      ),
      length: fc.oneof(
        fc.record({ steps: fc.integer({ min: 1, max: 100_000 }) }),
        fc.record({ samples: fc.integer({ min: 1, max: 1e9 }) }),
      ),
      marks: fc.record({
        geometricPerDecade: fc.integer({ min: 0, max: 30 }),
        list: fc.array(fc.integer({ min: 1, max: 200_000 }), { maxLength: 10 }),
      }),
      order: fc.constantFrom('coarse-to-fine' as const, 'nested' as const),
      streams: fc.constantFrom('common' as const, 'independent' as const),
      recordTrainingLoss: fc.boolean(),
    },
    { requiredKeys: ['name', 'workload', 'optimizer', 'learningRates', 'batchSizes', 'length'] },
  )
  // The quadratic has no parts of a minibatch.
  .map(({ microBatch, ...input }) =>
    specificationSchema.parse(
      microBatch === undefined || input.workload.kind === 'quadratic' ? input : { ...input, microBatch },
    ),
  );
