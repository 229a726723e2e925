import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateLaw, fromCoordinate, LAW_NAMES, lawPeak, LAWS, toCoordinate } from '#shared/laws/laws.ts';
import type { LawName, LawParameters } from '#shared/laws/laws.ts';

const positive = (min: number, max: number) => fc.double({ min, max, noNaN: true });

/** The formulas as a reader writes them, to compare with the overflow-safe ones. */
const PLAIN: Record<LawName, (B: number, p: Record<string, number>) => number> = {
  surge: (B, p) => (2 * p.a) / (Math.sqrt(p.Bn / B) + Math.sqrt(B / p.Bn)),
  alpha1: (B, p) => p.a / (1 + p.Bn / B),
  alpha_half: (B, p) => p.a * (1 + p.Bn / B) ** -0.5,
  alpha_free: (B, p) => p.a * (1 + p.Bn / B) ** -p.alpha,
  power: (B, p) => p.a * B ** p.exponent,
  constant: (_, p) => p.a,
  mean_field: (B, p) => {
    const beta = (1 + p.Bn / B) ** -0.5;
    return (2 * p.a) / (p.b / beta + beta / p.b);
  },
};

describe('laws', () => {
  it('are their formulas', () => {
    fc.assert(
      fc.property(
        positive(1, 1e6),
        positive(1e-6, 1),
        positive(0.1, 1e6),
        positive(0.05, 4),
        positive(-3, 3),
        positive(0.01, 100),
        (B, a, Bn, alpha, exponent, b) => {
          const parameters: LawParameters = {
            epsMax: a,
            epsPeak: a,
            amplitude: a,
            bNoise: Bn,
            bMeanField: Bn,
            alpha,
            exponent,
            betaStar: b,
          };
          for (const law of LAW_NAMES) {
            const expected = PLAIN[law](B, { a, Bn, alpha, exponent, b });
            expect(Math.abs(evaluateLaw(law, parameters, B) / expected - 1)).toBeLessThan(1e-11);
          }
        },
      ),
    );
  });

  it('have the derivatives that they claim', () => {
    fc.assert(
      fc.property(positive(-2, 12), positive(-2, 12), positive(-3, 1.2), (lnBatch, first, second) => {
        for (const name of LAW_NAMES) {
          const law = LAWS[name];
          const at = [first, second].slice(0, law.shape.length);
          const gradient = new Float64Array(at.length);
          const scratch = new Float64Array(at.length);
          law.lnShape(lnBatch, at, gradient);
          at.forEach((_, p) => {
            const moved = (step: number) =>
              law.lnShape(
                lnBatch,
                at.map((value, q) => (q === p ? value + step : value)),
                scratch,
              );
            const numeric = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            expect(Math.abs(numeric - gradient[p])).toBeLessThan(1e-6 * (1 + Math.abs(gradient[p])));
          });
        }
      }),
    );
  });

  it('stay finite at extreme batch sizes', () => {
    const gradient = new Float64Array(2);
    for (const name of LAW_NAMES) {
      for (const lnBatch of [-700, 0, 700]) {
        const value = LAWS[name].lnShape(lnBatch, [3, -2].slice(0, LAWS[name].shape.length), gradient);
        expect(Number.isFinite(value), `${name} at ${lnBatch}`).toBe(true);
      }
    }
  });

  it('peak where they say', () => {
    expect(lawPeak('surge', { bNoise: 90 })).toBe(90);
    expect(lawPeak('alpha1', { bNoise: 90 })).toBeNull();
    expect(lawPeak('mean_field', { bMeanField: 90, betaStar: 1 })).toBeNull();
    const parameters = { epsPeak: 1, bMeanField: 1000, betaStar: 0.4 };
    const peak = lawPeak('mean_field', parameters)!;
    expect(evaluateLaw('mean_field', parameters, peak)).toBeCloseTo(1, 12);
    expect(evaluateLaw('mean_field', parameters, peak * 1.1)).toBeLessThan(1);
    expect(evaluateLaw('mean_field', parameters, peak / 1.1)).toBeLessThan(1);
  });

  it('refuse a missing parameter or batch size by name', () => {
    expect(() => evaluateLaw('surge', { epsMax: 1 }, 8)).toThrow(/bNoise/);
    expect(() => evaluateLaw('power', { exponent: 1 }, 8)).toThrow(/amplitude/);
    expect(() => evaluateLaw('constant', { amplitude: 1 }, 0)).toThrow(/positive/);
  });

  it('convert coordinates there and back', () => {
    for (const law of Object.values(LAWS)) {
      for (const parameter of law.shape) {
        for (const value of parameter.bounds(4, 2048)) {
          expect(fromCoordinate(parameter, toCoordinate(parameter, value))).toBeCloseTo(value, 10);
        }
      }
    }
  });
});
