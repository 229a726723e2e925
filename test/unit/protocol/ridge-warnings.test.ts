import { describe, expect, it } from 'vitest';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import type { Definition } from '#shared/analysis/scores.ts';
import { specificationSchema } from '#shared/experiment/specification.ts';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import type { ImportedOptimum } from '#shared/import/ridge.ts';
import { paperProtocol, paperWarnings } from '#shared/protocol/paper.ts';
import { experimentWarnings, importedRidgeWarnings, ridgeWarnings } from '#shared/protocol/ridge-warnings.ts';
import type { Warning } from '#shared/theory/warnings.ts';
import type { SyntheticCurves } from '../../support/synthetic-curves.ts';
import { syntheticCurves } from '../../support/synthetic-curves.ts';

const codes = (warnings: readonly Warning[]) => warnings.map(({ code }) => code);
const surge = (batchSize: number) => 2e-2 / (Math.sqrt(32 / batchSize) + Math.sqrt(batchSize / 32));

/** A mild peak of 1e-2 at 32 of 1 … 1024, five seeds. */
const sweep: SyntheticCurves = {
  batchSizes: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
  learningRates: Array.from({ length: 24 }, (_, i) => 1e-4 * Math.SQRT2 ** i),
  seeds: 5,
  marks: [1, 2, 5, 10, 20, 50, 100, 200],
  optimum: (batchSize) => 1e-2 * (surge(batchSize) / 1e-2) ** 0.4,
  noise: 0.02,
};
const AT_END: Definition = { kind: 'equal-steps', step: 200 };

function warningsOf(changes: Partial<SyntheticCurves>, definition = AT_END): Warning[] {
  return ridgeWarnings(ridgeOf(syntheticCurves({ ...sweep, ...changes }), definition));
}

describe('warnings of a ridge', () => {
  it('none where there is nothing to warn about', () => {
    expect(warningsOf({})).toEqual([]);
  });

  it('few-seeds', () => {
    const [one] = warningsOf({ seeds: 1 });
    expect(one.code).toBe('few-seeds');
    expect(one.sentence).toMatch(
      /^One seed at batch sizes 1, 2, 4, …, 1024 \(11 in all\): there is no interval/,
    );
    expect(one.numbers).toEqual({ batchSizes: 11, smallest: 1, largest: 1024, seeds: 1 });
    expect(warningsOf({ seeds: 2 })[0].sentence).toContain('Only 2 seeds');
    const definition: Definition = { kind: 'local', step: 5, batchSize: 8, learningRate: 1e-3, seed: 0 };
    expect(warningsOf({ seeds: 1 }, definition)[0].sentence).toMatch(/^One draw/);
  });

  it('optimum-on-edge', () => {
    const rates = sweep.learningRates.filter((rate) => rate >= 6e-3);
    const [warning] = warningsOf({ learningRates: rates });
    expect(warning.code).toBe('optimum-on-edge');
    expect(warning.numbers.smallest).toBe(1);
  });

  it('flat-optimum', () => {
    const flat = warningsOf({ cellNoise: 1e-4, learningRates: [0.0098, 0.01, 0.0102], optimum: () => 1e-2 });
    expect(codes(flat)).toContain('flat-optimum');
  });

  it('edge-of-stability and cells-left-out', () => {
    const curves = syntheticCurves(sweep);
    // Every run at batch size 32 above 1.1e-2 diverges; its optimum is 1e-2.
    const batch = sweep.batchSizes.indexOf(32);
    curves.learningRates.forEach((rate, i) => {
      if (rate > 1.1e-2)
        for (let seed = 0; seed < 5; seed++)
          curves.divergedAt[(batch * curves.learningRates.length + i) * 5 + seed] = 3;
    });
    const warnings = ridgeWarnings(ridgeOf(curves, AT_END));
    const edge = warnings.find(({ code }) => code === 'edge-of-stability');
    expect(edge?.numbers).toEqual({ batchSizes: 1, smallest: 32, largest: 32 });
    const left = warnings.find(({ code }) => code === 'cells-left-out');
    expect(left?.numbers.censored).toBe(0);
    expect(left?.numbers.diverged).toBe(curves.learningRates.filter((rate) => rate > 1.1e-2).length);
  });

  it('early-target and censored learning rates', () => {
    const early = warningsOf({}, { kind: 'equal-loss', target: 1.9, moreSteps: 10 });
    expect(codes(early)).toContain('early-target');
    const censored = warningsOf({}, { kind: 'fewest-steps', target: 0.42 });
    expect(censored.find(({ code }) => code === 'cells-left-out')?.numbers.censored).toBeGreaterThan(0);
  });

  it('peak-outside-sweep, few-batches-beside-peak, prominence-below-resolution', () => {
    const rising = warningsOf({ batchSizes: [1, 2, 4, 8, 16] });
    expect(rising.map(({ code, numbers }) => [code, numbers])).toEqual([
      ['peak-outside-sweep', { peak: 16, below: 4, above: 0 }],
    ]);
    expect(codes(warningsOf({ batchSizes: [1, 2, 4, 8, 16, 32, 1024] }))).toEqual([
      'few-batches-beside-peak',
    ]);
    expect(codes(warningsOf({ optimum: (b) => 1e-2 * (surge(b) / 1e-2) ** 0.05 }))).toContain(
      'prominence-below-resolution',
    );
  });

  it('strong-surge at equal steps, fall-at-equal-samples at equal samples', () => {
    const falling = { optimum: (batchSize: number) => surge(batchSize) };
    expect(codes(warningsOf(falling))).toEqual(['strong-surge']);
    expect(codes(warningsOf(falling, { kind: 'equal-samples', samples: 2048 }))).toContain(
      'fall-at-equal-samples',
    );
  });

  it('says nothing of a ridge without any optimum', () => {
    const warnings = warningsOf({}, { kind: 'equal-loss', target: -5, moreSteps: 10 });
    expect(codes(warnings)).toEqual(['cells-left-out']);
  });
});

describe('warnings of the protocol', () => {
  it('B_noise beside the peak, and beside none', () => {
    const curves = syntheticCurves({
      ...sweep,
      optimum: (batchSize) => surge(batchSize),
      floor: (batchSize, step) => 2 / (1 + step / 20 / (1 + 16 / batchSize)),
    });
    const warning = (target: number) =>
      paperWarnings(paperProtocol(curves, target, 10)).find(
        ({ code }) => code === 'critical-batch-is-not-the-peak',
      );
    const numbers = warning(0.8)?.numbers;
    expect(numbers?.bCrit).toBeGreaterThan(0);
    expect(numbers?.bPeak).toBeGreaterThan(1);
    expect(warning(-1)).toBeUndefined();
  });
});

describe('warnings of an imported ridge', () => {
  const point = (batchSize: number, learningRate: number, changes: Partial<ImportedOptimum> = {}) => ({
    batchSize,
    learningRate,
    gridLearningRate: learningRate,
    loss: 1,
    flags: [],
    usable: 5,
    failed: 0,
    ...changes,
  });

  it('seeds, edges, flat optima, failed runs, the place of the highest', () => {
    const ridge = [
      point(4, 3e-3, { flags: ['highest-rate'] }),
      point(1, 1e-3, { flags: ['flat'], failed: 2 }),
      point(2, 2e-3),
    ];
    expect(codes(importedRidgeWarnings(ridge, 1))).toEqual([
      'few-seeds',
      'optimum-on-edge',
      'flat-optimum',
      'cells-left-out',
      'peak-outside-sweep',
    ]);
    expect(importedRidgeWarnings(ridge, 1)[3].numbers).toEqual({ diverged: 2, censored: 0 });
    expect(codes(importedRidgeWarnings([point(1, 1e-3)], 5))).toEqual([]);
    expect(codes(importedRidgeWarnings([], 5))).toEqual([]);
  });
});

describe('warnings of an experiment', () => {
  const specification = (changes: Partial<SpecificationInput>) =>
    specificationSchema.parse({
      name: 'x',
      workload: { kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] },
      optimizer: { kind: 'adam' },
      learningRates: { list: [1] },
      batchSizes: { list: [1] },
      length: { steps: 10 },
      ...changes,
    });

  it('outside-the-theory names each ingredient', () => {
    expect(experimentWarnings(specification({}))).toEqual([]);
    const sentence = (changes: Partial<SpecificationInput>) =>
      experimentWarnings(specification(changes)).map((w) => `${w.code}: ${w.sentence}`)[0];
    expect(sentence({ optimizer: { kind: 'adamw', weightDecay: 0.1 } })).toBe(
      'outside-the-theory: Not in the theory: weight decay.',
    );
    expect(sentence({ optimizer: { kind: 'adamw', weightDecay: 0 } })).toBeUndefined();
    expect(sentence({ optimizer: { kind: 'adam', epsilon: 1e-3 } })).toContain('epsilon = 0.001');
    expect(sentence({ optimizer: { kind: 'adafactor' } })).toContain('clipping of the update');
    expect(sentence({ gradientClipping: { kind: 'norm', limit: 1 } })).toContain(
      'clipping of the gradient by norm',
    );
    expect(sentence({ optimizer: { kind: 'sgd', weightDecay: 0.1 } })).toContain('weight decay');
    expect(sentence({ schedule: { kind: 'cosine', warmUpSteps: 9 } })).toBe(
      'outside-the-theory: Not in the theory: the learning-rate schedule (warm-up of 9 steps, then cosine decay to zero; learning rates are its peak, and a mark before the last step sees only its beginning).',
    );
    expect(sentence({ workload: { kind: 'mlp' } })).toContain('generalization');
  });

  it('heavy-ball-learning-rate gives the factor', () => {
    const [warning] = experimentWarnings(specification({ optimizer: { kind: 'nesterov', momentum: 0.9 } }));
    expect(warning.code).toBe('heavy-ball-learning-rate');
    expect(warning.numbers.factor).toBeCloseTo(10, 12);
    expect(experimentWarnings(specification({ optimizer: { kind: 'momentum', momentum: 0 } }))).toEqual([]);
  });

  it('settings-not-recorded for a sweep of others', () => {
    expect(codes(experimentWarnings(null))).toEqual(['settings-not-recorded']);
  });
});
