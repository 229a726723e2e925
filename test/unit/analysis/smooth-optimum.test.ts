import { randomLcg, randomNormal } from 'd3';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { smoothOptimum } from '#shared/analysis/smooth-optimum.ts';
import type { SmoothPoint } from '#shared/analysis/smooth-optimum.ts';

const FACTOR = Math.SQRT2;
const rates = Array.from({ length: 15 }, (_, i) => 1e-4 * FACTOR ** i);

/** An asymmetric valley: gentle below the optimum, a wall above it, as losses against ln LR look. */
function valley(rate: number, optimum: number): number {
  const x = Math.log(rate / optimum);
  return 1 + 0.25 * (Math.exp(0.9 * x) - 0.9 * x - 1) + 0.02 * x * x;
}

/** Vertex of the parabola through the lowest point and its neighbours in ln LR. */
function threePoint(points: readonly SmoothPoint[]): number {
  const best = points.reduce((low, point, i) => (point.loss < points[low].loss ? i : low), 0);
  if (best === 0 || best === points.length - 1) return points[best].learningRate;
  const [a, b, c] = [points[best - 1].loss, points[best].loss, points[best + 1].loss];
  return points[best].learningRate * Math.exp((Math.log(FACTOR) * (a - c)) / (2 * (a - 2 * b + c)));
}

describe('smooth optimum', () => {
  it('finds the vertex of a parabola in ln LR exactly', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 3e-4, max: 4e-3, noNaN: true }),
        fc.double({ min: 0.01, max: 10, noNaN: true }),
        (optimum, bend) => {
          const points = rates.map((learningRate) => ({
            learningRate,
            loss: 2 + bend * Math.log(learningRate / optimum) ** 2,
          }));
          const found = smoothOptimum(points);
          expect(found.learningRate! / optimum).toBeCloseTo(1, 6);
          expect(found.curvature! / (2 * bend)).toBeCloseTo(1, 5);
          expect(found.flags).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is less noisy than the parabola through three points, and nearly unbiased', () => {
    const normal = randomNormal.source(randomLcg(0.42))(0, 0.02);
    const random = randomLcg(0.7);
    let smoothSquares = 0;
    let pointSquares = 0;
    let bias = 0;
    const runs = 400;
    for (let i = 0; i < runs; i++) {
      const optimum = 1e-4 * FACTOR ** (5 + 4 * random());
      const points = rates.map((learningRate) => ({
        learningRate,
        loss: valley(learningRate, optimum) + normal(),
      }));
      const smooth = Math.log(smoothOptimum(points).learningRate! / optimum);
      smoothSquares += smooth ** 2;
      bias += smooth;
      pointSquares += Math.log(threePoint(points) / optimum) ** 2;
    }
    console.log(
      `ln LR error: smooth ${Math.sqrt(smoothSquares / runs).toFixed(3)}, three points ${Math.sqrt(pointSquares / runs).toFixed(3)}, bias ${(bias / runs).toFixed(3)}`,
    );
    expect(Math.sqrt(smoothSquares)).toBeLessThan(0.8 * Math.sqrt(pointSquares));
    expect(Math.abs(bias / runs)).toBeLessThan(0.1);
  });

  it('is not moved by diverged runs, finite or not', () => {
    const optimum = 1.3e-3;
    const clean = rates.map((learningRate) => ({ learningRate, loss: valley(learningRate, optimum) }));
    const expected = smoothOptimum(clean).learningRate!;
    const wrecked = clean.map((point, i) => {
      if (i === 14) return { ...point, loss: NaN };
      if (i === 13) return { ...point, loss: Infinity };
      return i >= 11 ? { ...point, loss: 11.09 } : point;
    });
    const found = smoothOptimum(wrecked);
    expect(Math.abs(Math.log(found.learningRate! / expected))).toBeLessThan(0.15);
    expect(found.diverged).toBe(2);
    expect(found.far).toBeGreaterThanOrEqual(2);
  });

  it('says when the minimum is on the edge, beside a diverged rate, flat, or not there', () => {
    const rising = rates.map((learningRate) => ({ learningRate, loss: Math.log(learningRate) }));
    expect(smoothOptimum(rising).flags).toContain('edge');
    expect(smoothOptimum(rising).learningRate).toBeCloseTo(rates[0], 10);
    const falling = rates.map((learningRate, i) => ({
      learningRate,
      loss: i < 10 ? -Math.log(learningRate) : NaN,
    }));
    expect(smoothOptimum(falling).flags).toContain('diverged-neighbour');
    expect(smoothOptimum(falling).learningRate! / rates[9]).toBeCloseTo(1, 10);
    expect(smoothOptimum(rates.map((learningRate) => ({ learningRate, loss: 2 }))).flags).toEqual(['flat']);
    for (const points of [[], rising.slice(0, 2), rising.map((point) => ({ ...point, loss: NaN }))]) {
      expect(smoothOptimum(points)).toMatchObject({ learningRate: null, flags: ['few-points'] });
    }
    expect(
      smoothOptimum(
        rates.slice(4, 8).map((learningRate) => ({ learningRate, loss: valley(learningRate, 6e-4) })),
      ).flags,
    ).toEqual(['few-points']);
  });

  it('does not depend on the order of points and averages replicates', () => {
    const points = rates.map((learningRate) => ({ learningRate, loss: valley(learningRate, 1e-3) }));
    const doubled = points.flatMap((point) => [
      { ...point, loss: point.loss + 0.125 },
      { ...point, loss: point.loss - 0.125 },
    ]);
    expect(smoothOptimum([...doubled].reverse()).learningRate).toBeCloseTo(
      smoothOptimum(points).learningRate!,
      9,
    );
  });

  it('covers the truth with its paired 90 % bootstrap interval in 85 to 95 % of simulated curves', () => {
    const seeds = 20;
    const resamples = 100;
    const curves = 200;
    const normal = randomNormal.source(randomLcg(0.11))(0, 1);
    const random = randomLcg(0.23);
    const truth = 1e-3;
    let covered = 0;
    for (let c = 0; c < curves; c++) {
      const runs = Array.from({ length: seeds }, () => {
        const shared = 0.1 * normal();
        return rates.map((rate) => valley(rate, 1e-3) + shared + 0.03 * normal());
      });
      const optima = Array.from({ length: resamples }, () => {
        const drawn = runs.map(() => runs[Math.floor(random() * seeds)]);
        const mean = rates.map((learningRate, r) => ({
          learningRate,
          loss: drawn.reduce((sum, run) => sum + run[r], 0) / seeds,
        }));
        return smoothOptimum(mean).learningRate!;
      }).sort((a, b) => a - b);
      if (optima[4] <= truth && truth <= optima[95]) covered++;
    }
    console.log(`coverage of the 90 % interval: ${(covered / curves) * 100} %`);
    expect(covered / curves).toBeGreaterThanOrEqual(0.85);
    expect(covered / curves).toBeLessThanOrEqual(0.95);
  });
});
