import { describe, expect, it } from 'vitest';
import { exactSignLaw } from '#shared/theory/sign-descent.ts';
import { presetQuadratic } from '#shared/theory/examine.ts';
import { theoryPicture } from '#renderer/theory/curves.ts';
import { familyNames, firstSettings, presetLooks, quadraticOf } from '#renderer/theory/families.ts';
import { simulatePoints } from '#renderer/theory/simulation.ts';

describe('families', () => {
  it('have the presets of the command', () => {
    for (const { name, settings } of presetLooks) {
      const [one, two] = [quadraticOf(settings), presetQuadratic(name)];
      expect(Array.from(one.hessian)).toEqual(Array.from(two.hessian));
      for (const [i, mu] of Array.from(one.mu).entries()) expect(mu).toBeCloseTo(two.mu[i], 14);
    }
  });

  it('are symmetric, with the asked spreads and share of negative means', () => {
    for (const family of familyNames) {
      const quadratic = quadraticOf({
        ...firstSettings,
        family,
        n: 20,
        muSpread: 100,
        negative: 0.25,
        condition: 10,
        coupling: 0.3,
      });
      const { n, hessian, mu } = quadratic;
      for (let i = 0; i < n; i++)
        for (let j = 0; j < i; j++) expect(hessian[i * n + j]).toBe(hessian[j * n + i]);
      const sizes = Array.from(mu, Math.abs);
      expect(Math.max(...sizes) / Math.min(...sizes)).toBeCloseTo(100, 8);
      expect(Array.from(mu).filter((value) => value < 0)).toHaveLength(5);
      const own = Array.from({ length: n }, (_, i) => hessian[i * n + i] - (family === 'low-rank' ? 0.3 : 0));
      expect(Math.max(...own) / Math.min(...own)).toBeCloseTo(10, 8);
    }
  });
});

describe('picture', () => {
  it('has no peak for diagonal curvature, and one for the coupled preset', () => {
    const [diagonal, , peak] = presetLooks.map(({ settings }) =>
      theoryPicture(quadraticOf(settings), { kind: 'sign' }),
    );
    expect(diagonal.examination.search.peak).toBeNull();
    expect(peak.examination.search.peak?.batchSize).toBeGreaterThan(100);
    const exact = peak.curves.find(({ name }) => name === 'exact')?.points ?? [];
    const quadratic = quadraticOf(firstSettings);
    for (const { x, y } of exact) expect(y).toBe(exactSignLaw(quadratic, x).learningRate);
  });

  it('puts the approximations on the law where they hold: far below and far above the regime bound', () => {
    const { curves } = theoryPicture(quadraticOf(firstSettings), { kind: 'sign' });
    const at = (name: string, end: 'first' | 'last') => {
      const points = curves.find((curve) => curve.name === name)?.points ?? [];
      return (end === 'first' ? points[0].y : points.at(-1)?.y) ?? NaN;
    };
    expect(at('small-batch', 'first') / at('exact', 'first')).toBeCloseTo(1, 2);
    expect(at('mean-field', 'first') / at('exact', 'first')).toBeCloseTo(1, 2);
    expect(at('plateau', 'last') / at('exact', 'last')).toBeCloseTo(1, 2);
  });

  it('shows Signum as sign descent at B/a', () => {
    const quadratic = quadraticOf(firstSettings);
    const sign = theoryPicture(quadratic, { kind: 'sign' });
    const signum = theoryPicture(quadratic, { kind: 'signum', beta1: 0.5 });
    expect(signum.examination.search.peak!.batchSize * 3).toBeCloseTo(
      sign.examination.search.peak!.batchSize,
      3,
    );
    expect(signum.regimeEnd! * 3).toBeCloseTo(sign.regimeEnd!, 6);
  });
});

describe('Monte Carlo', () => {
  it('agrees with the exact law within its errors, from the middle outwards', () => {
    const batchSizes = [50, 200, 800, 3200, 12800];
    const settings = { ...firstSettings, n: 30, coupling: 0.3 };
    const points = [
      ...simulatePoints({ question: 3, settings, optimizer: { kind: 'sign' }, batchSizes, draws: 800 }),
    ];
    expect(points.map(({ batchSize }) => batchSize)[0]).toBe(800);
    expect(points).toHaveLength(5);
    for (const { question, batchSize, learningRate, error } of points) {
      expect(question).toBe(3);
      const exact = exactSignLaw(quadraticOf(settings), batchSize).learningRate!;
      expect(Math.abs(learningRate! - exact)).toBeLessThan(4 * error! + 1e-3 * exact);
    }
  });
});
