import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lemma1 } from '#shared/theory/lemma1.ts';
import { levelCrossings, searchPeak, signPeak } from '#shared/theory/peak-search.ts';
import { noisyQuadratic } from '#shared/theory/quadratic.ts';
import {
  approachesFromAbove,
  exactSignLaw,
  meanSigns,
  plateau,
  signQuantities,
  smallBatchLaw,
  surgeLaw,
} from '#shared/theory/sign-descent.ts';
import { randomQuadratic, THREE_PARAMETERS } from './support.ts';

const seeds = fc.integer({ min: 0, max: 1e6 });
const positive = (low: number, high: number) =>
  fc.double({ min: Math.log(low), max: Math.log(high), noNaN: true }).map(Math.exp);

describe('small-batch surge law', () => {
  it('is symmetric in ln B, peaks at B_noise, and is at half height at 7 ∓ 4√3', () => {
    fc.assert(
      fc.property(positive(1e-6, 1e6), positive(1e-2, 1e8), positive(1e-4, 1e4), (epsMax, bNoise, ratio) => {
        const left = surgeLaw(epsMax, bNoise, bNoise / ratio);
        const right = surgeLaw(epsMax, bNoise, bNoise * ratio);
        expect(Math.abs(left / right - 1)).toBeLessThan(1e-12);
        expect(right).toBeLessThanOrEqual(epsMax * (1 + 1e-15));
        expect(surgeLaw(epsMax, bNoise, bNoise)).toBeCloseTo(epsMax, 12);
        const half = 7 + 4 * Math.sqrt(3);
        expect(surgeLaw(epsMax, bNoise, bNoise * half) / epsMax).toBeCloseTo(0.5, 12);
      }),
    );
  });
  it('falls by 6, 20, 37 and 53 % at 2, 4, 8 and 16 times B_noise', () => {
    const fall = [2, 4, 8, 16].map((ratio) => Math.round(100 * (1 - surgeLaw(1, 1, ratio))));
    expect(fall).toEqual([6, 20, 37, 53]);
  });
  it('is the form that Lemma 1 gives, and its decrease is monotone (Theorem 5)', () => {
    fc.assert(
      fc.property(
        positive(0.1, 100),
        positive(1e-4, 1),
        positive(1e-4, 1),
        positive(1e-2, 1e6),
        (d, s, m, b) => {
          const law = smallBatchLaw(d, s, m);
          const { learningRate, decrease } = law.optimum(b);
          expect(Math.abs(learningRate! / surgeLaw(law.epsMax!, law.bNoise!, b) - 1)).toBeLessThan(1e-12);
          expect(Math.abs(decrease! / (law.decreaseMax! / (1 + law.bNoise! / b)) - 1)).toBeLessThan(1e-12);
          expect(law.optimum(2 * b).decrease!).toBeGreaterThan(decrease!);
          expect(law.epsMax!).toBeGreaterThanOrEqual(law.epsMaxLowerBound! * (1 - 1e-15));
          expect(law.halfPoints![0] * law.halfPoints![1]).toBeCloseTo(law.bNoise! ** 2, -6);
        },
      ),
    );
  });
  it('has no B_noise unless D and S_off are positive', () => {
    for (const [trace, off] of [
      [1, 0],
      [1, -1],
      [0, 1],
      [-1, 1],
    ]) {
      const law = smallBatchLaw(trace, off, 1);
      expect([law.bNoise, law.epsMax, law.decreaseMax, law.halfPoints]).toEqual([null, null, null, null]);
    }
  });
});

describe('exact law', () => {
  it('becomes Theorem 3 far below every regime bound, and the plateau far above', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const quadratic = randomQuadratic(seed);
        const quantities = signQuantities(quadratic);
        const small = smallBatchLaw(quantities.trace, quantities.offDiagonal, quantities.gradientMass);
        // The error of the linear form is about B/(3.8 h).
        const low = 1e-6 * quantities.regimeBound;
        expect(exactSignLaw(quadratic, low).learningRate! / small.optimum(low).learningRate!).toBeCloseTo(
          1,
          5,
        );
        const limit = plateau(quantities);
        const high = 100 * quantities.regimeBounds.reduce((a, b) => Math.max(a, b));
        expect(exactSignLaw(quadratic, high).learningRate! / limit.learningRate!).toBeCloseTo(1, 12);
        expect(exactSignLaw(quadratic, Infinity).learningRate).toBe(limit.learningRate);
      }),
    );
  });
  it('puts the largest decrease at its optimum, and never falls in B', () => {
    fc.assert(
      fc.property(seeds, positive(0.1, 1e5), positive(0.2, 5), (seed, batch, factor) => {
        fc.pre(Math.abs(factor - 1) > 1e-3);
        const { learningRate, decrease, slope, curvature } = exactSignLaw(randomQuadratic(seed), batch);
        const at = (eps: number) => eps * slope - (eps ** 2 * curvature) / 2;
        expect(at(learningRate!)).toBeCloseTo(decrease!, 12);
        expect(at(factor * learningRate!)).toBeLessThan(decrease!);
      }),
    );
  });
  it('scales with the units of loss, parameter and batch', () => {
    fc.assert(
      fc.property(seeds, positive(1, 1e4), positive(0.01, 100), positive(0.01, 100), (seed, batch, s, t) => {
        const quadratic = randomQuadratic(seed);
        // Loss in units of 1/s, batch in units of t samples: mu·s, sigma·s·√(1/t), H·s.
        const other = {
          ...quadratic,
          mu: quadratic.mu.map((v) => v * s),
          sigma: quadratic.sigma.map((v) => (v * s) / Math.sqrt(t)),
          r: quadratic.r.map((v) => v * Math.sqrt(t)),
          hessian: quadratic.hessian.map((v) => v * s),
        };
        const [a, b] = [exactSignLaw(quadratic, batch), exactSignLaw(other, batch / t)];
        expect(b.learningRate! / a.learningRate!).toBeCloseTo(1, 10);
        expect(b.decrease! / a.decrease! / s).toBeCloseTo(1, 10);
      }),
    );
  });
  it('leaves a coordinate without gradient and noise out, and takes one without noise at its sign', () => {
    const dead = noisyQuadratic({
      mu: [0.1, 0],
      sigma: [1, 0],
      hessian: [
        [1, 0.5],
        [0.5, 7],
      ],
    });
    expect(signQuantities(dead).trace).toBe(1);
    expect(exactSignLaw(dead, 10).learningRate!).toBeCloseTo(meanSigns(dead, 10)[0] * 0.1, 15);
    const noiseless = noisyQuadratic({ mu: [-0.1], sigma: [0], hessian: [[2]] });
    expect(meanSigns(noiseless, 1)).toEqual(Float64Array.of(-1));
    expect(exactSignLaw(noiseless, 1).learningRate).toBeCloseTo(0.05, 15);
    expect(signQuantities(noiseless)).toMatchObject({
      offDiagonal: null,
      gradientMass: null,
      regimeBound: 0,
    });
    expect(signPeak(noiseless)).toBeNull();
  });
  it('gives a zero gradient no step, and no peak', () => {
    const still = noisyQuadratic({ mu: [0], sigma: [1], hessian: [[2]] });
    expect(exactSignLaw(still, 5)).toMatchObject({ learningRate: 0, decrease: 0 });
    expect(signQuantities(still).regimeBound).toBe(Infinity);
    expect(signPeak(still)).toBeNull();
  });
  it('has no finite optimum when the curvature is not positive', () => {
    expect(lemma1(1, 0)).toEqual({ learningRate: null, decrease: null, slope: 1, curvature: 0 });
    expect(lemma1(1, -2).learningRate).toBeNull();
    expect(lemma1(1, NaN).learningRate).toBeNull();
    // S_off so negative that the denominator changes sign on the way to large batches.
    const saddle = noisyQuadratic({
      mu: [0.1, -0.1],
      sigma: [1, 1],
      hessian: [
        [1, 3],
        [3, 1],
      ],
    });
    expect(exactSignLaw(saddle, 1).learningRate).not.toBeNull();
    expect(exactSignLaw(saddle, 1e4).learningRate).toBeNull();
    expect(plateau(signQuantities(saddle)).learningRate).toBeNull();
    const search = signPeak(saddle)!;
    expect(search.peak).toBeNull();
    expect(exactSignLaw(saddle, search.undefinedFrom!).learningRate).toBeNull();
    expect(exactSignLaw(saddle, 0.9 * search.undefinedFrom!).learningRate).not.toBeNull();
  });
  it('refuses batch sizes and problems that mean nothing, and names the field', () => {
    const quadratic = noisyQuadratic(THREE_PARAMETERS);
    for (const batch of [0, -1, NaN]) expect(() => exactSignLaw(quadratic, batch)).toThrow('batch size');
    expect(() => noisyQuadratic({ mu: [], sigma: [], hessian: [] })).toThrow('mu is empty');
    expect(() => noisyQuadratic({ ...THREE_PARAMETERS, sigma: [1, 2] })).toThrow('sigma has 2 entries');
    expect(() => noisyQuadratic({ ...THREE_PARAMETERS, sigma: [1, -2, 1] })).toThrow('sigma entry 2');
    expect(() => noisyQuadratic({ ...THREE_PARAMETERS, mu: [1, NaN, 1] })).toThrow('mu entry 2');
    expect(() => noisyQuadratic({ ...THREE_PARAMETERS, hessian: [[1]] })).toThrow('hessian has 1 rows');
    expect(() => noisyQuadratic({ mu: [1, 1], sigma: [1, 1], hessian: [[1], [1, 1]] })).toThrow('row 1');
    const skew = [
      [1, 2],
      [3, 1],
    ];
    expect(() => noisyQuadratic({ mu: [1, 1], sigma: [1, 1], hessian: skew })).toThrow('not symmetric');
  });
});

describe('peak search', () => {
  it('finds what a scan ten times as fine finds, on random problems', () => {
    let withPeak = 0;
    for (let seed = 0; seed < 150; seed++) {
      const quadratic = randomQuadratic(seed);
      const search = signPeak(quadratic)!;
      const [low, high] = search.range.map(Math.log);
      const count = 8000;
      const scan = Array.from(
        { length: count + 1 },
        (_, i) => exactSignLaw(quadratic, Math.exp(low + ((high - low) * i) / count)).learningRate!,
      );
      const visible = scan.flatMap((value, i) =>
        i > 0 && i < count && value > scan[i - 1] * (1 + 1e-11) && value > scan[i + 1] * (1 + 1e-11)
          ? [value]
          : [],
      );
      for (const value of visible)
        expect(search.peaks.some((peak) => Math.abs(peak.learningRate / value - 1) < 1e-6)).toBe(true);
      if (search.peak !== null) {
        withPeak++;
        expect(Math.max(...visible, 0)).toBeLessThanOrEqual(search.peak.learningRate * (1 + 1e-12));
        const { batchSize, learningRate } = search.peak;
        for (const factor of [0.99, 1.01])
          expect(exactSignLaw(quadratic, factor * batchSize).learningRate!).toBeLessThan(learningRate);
      }
      // The criterion at the far end is sufficient for a peak.
      if (approachesFromAbove(quadratic) === true) expect(search.peak).not.toBeNull();
      // Maxima and minima take turns.
      search.extrema.forEach(({ type }, i) => {
        if (i > 0) expect(type).not.toBe(search.extrema[i - 1].type);
      });
    }
    expect(withPeak).toBeGreaterThan(20);
    expect(withPeak).toBeLessThan(150);
  });
  it('finds several extrema, and reports the highest as the peak', () => {
    const waves = (batch: number) => lemma1(2 + Math.sin(Math.log(batch)) + 0.1 * Math.log(batch), 1);
    const search = searchPeak(waves, [1, Math.exp(4 * Math.PI)], 1);
    expect(search.extrema.map(({ type }) => type)).toEqual(['max', 'min', 'max', 'min']);
    expect(search.peak!.batchSize).toBe(search.peaks[1].batchSize);
    expect(Math.log(search.peak!.batchSize)).toBeCloseTo(2 * Math.PI + Math.acos(-0.1), 6);
    expect(search.peak!.prominence).toBeCloseTo(search.peak!.learningRate - 1, 12);
  });
  it('finds no peak in rising, falling, constant and rounded constant laws', () => {
    for (const law of [
      (b: number) => b / (1 + b),
      (b: number) => 1 / b,
      () => 1,
      (b: number) => 1 + 2e-16 * Math.round(3 * Math.sin(1e3 * b)),
    ])
      expect(searchPeak((b) => lemma1(law(b), 1), [1e-3, 1e6], null)).toMatchObject({
        peak: null,
        extrema: [],
      });
  });
  it('searches each stretch between batch sizes without an optimum', () => {
    const law = (b: number) =>
      Math.abs(Math.log(b)) < 1 ? lemma1(1, -1) : lemma1(2 + Math.sin(Math.log(b)), 1);
    const search = searchPeak(law, [Math.exp(-6), Math.exp(6)], null);
    expect(search.undefinedFrom!).toBeGreaterThan(Math.exp(-1.1));
    expect(
      search.extrema.map(({ type, batchSize }) => [type, Math.round(100 * Math.log(batchSize))]),
    ).toEqual([
      ['max', -471],
      ['min', -157],
      ['max', 157],
      ['min', 471],
    ]);
    expect(() => searchPeak(law, [2, 1], null)).toThrow(RangeError);
  });
  it('looks below the usual range when many aligned coordinates put the peak there', () => {
    const n = 400;
    const r = 0.02;
    const quadratic = noisyQuadratic({
      mu: Array.from({ length: n }, () => r),
      sigma: Array.from({ length: n }, () => 1),
      hessian: Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (_, j) => (i === j ? 1 : 0.999)),
      ),
    });
    const { trace, offDiagonal, gradientMass } = signQuantities(quadratic);
    const { bNoise } = smallBatchLaw(trace, offDiagonal, gradientMass);
    const search = signPeak(quadratic)!;
    expect(search.range[0]).toBeLessThan(bNoise! / 90);
    expect(search.peak!.batchSize / bNoise!).toBeCloseTo(1, 2);
  });
  it('level crossings of the surge law are its half points', () => {
    const law = (b: number) => lemma1(surgeLaw(1, 50, b), 1);
    const { left, right } = levelCrossings(law, 0.5, 50, [1e-3, 1e6]);
    expect(left! / 50).toBeCloseTo(7 - 4 * Math.sqrt(3), 10);
    expect(right! / 50).toBeCloseTo(7 + 4 * Math.sqrt(3), 9);
    expect(levelCrossings(law, 0.5, 50, [20, 100])).toEqual({ left: null, right: null });
  });
});
