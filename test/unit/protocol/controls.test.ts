import { describe, expect, it } from 'vitest';
import { sweepControls, theoryControls } from '#shared/protocol/controls.ts';
import type { SyntheticCurves } from '../../support/synthetic-curves.ts';
import { syntheticCurves } from '../../support/synthetic-curves.ts';

describe('controls with a known answer', () => {
  const controls = theoryControls();

  it('all behave', () => {
    expect(controls.filter(({ behaves }) => behaves !== true)).toEqual([]);
    expect(new Set(controls.map(({ code }) => code)).size).toBe(9);
  });

  it('give the numbers of the closed forms', () => {
    const numbers = (code: string) => controls.find((control) => control.code === code)!.numbers;
    expect(numbers('equicorrelated-0.005')).toEqual({ bNoise: expect.closeTo(7933.3, 0) as number });
    expect(numbers('equicorrelated-0.05').peak).toBeCloseTo(890.9, 1);
    expect(numbers('equicorrelated-0.5').peak).toBeCloseTo(80.18, 2);
    expect(numbers('diagonal-adam-high').peak).toBeCloseTo(2500 * 0.0588235, 1);
    expect(numbers('negative-off-diagonal').offDiagonal).toBeLessThan(0);
  });
});

const sweep: SyntheticCurves = {
  batchSizes: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  learningRates: Array.from({ length: 25 }, (_, i) => 1e-4 * Math.SQRT2 ** i),
  seeds: 8,
  marks: [2, 4, 8, 16, 32, 64, 128, 256, 512],
  optimum: (batchSize) => 2e-2 / (1 + 16 / batchSize),
  noise: 0.1,
};

function controlsOf(changes: Partial<SyntheticCurves>, simulations = 60) {
  const curves = syntheticCurves({ ...sweep, ...changes });
  const list = sweepControls(curves, { kind: 'equal-steps', step: 512 }, { simulations });
  return new Map(list.map((control) => [control.code, control]));
}

describe('controls of a sweep', () => {
  it('announce next to no surge on a ridge that saturates', () => {
    const controls = controlsOf({});
    for (const code of ['simulated-alpha1', 'simulated-constant', 'permuted', 'equal-samples'])
      expect(controls.get(code)?.behaves, code).toBe(true);
    expect(controls.get('simulated-alpha1')!.numbers.rate).toBeLessThanOrEqual(0.05);
    expect(controls.get('simulated-alpha1')!.numbers.simulations).toBe(60);
    // The rise is real, so that shuffled batch sizes do worse.
    expect(controls.get('permuted')!.numbers.pValue).toBeLessThan(0.05);
  });

  it('fail when the optimum falls at equal samples alone', () => {
    // At equal steps it rises as B^0.3; at equal samples, steps = samples/B, it falls as B^(0.3 - 0.8).
    const steps = controlsOf(
      { optimum: (batchSize, step) => 1e-3 * batchSize ** 0.3 * (step / 512) ** 0.8 },
      5,
    );
    expect(steps.get('equal-samples')).toMatchObject({ behaves: false });
    expect(steps.get('equal-samples')!.found).toMatch(/only at equal samples: it is not the surge/);
  });

  it('say why there is no answer', () => {
    const two = controlsOf({ batchSizes: [1, 256], seeds: 1 }, 5);
    for (const code of ['simulated-alpha1', 'simulated-constant', 'permuted', 'equal-samples'])
      expect(two.get(code), code).toMatchObject({
        behaves: null,
        found: expect.stringMatching(/batch sizes/) as string,
      });
  });
});
