import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minimizeSquares, solvePositiveDefinite } from '#shared/laws/least-squares.ts';

/** Rosenbrock's valley as residuals: minimum 0 at (1, 1). */
const valley = (lower: number[], upper: number[]) => ({
  size: 2,
  lower,
  upper,
  evaluate: (at: Float64Array, residuals: Float64Array, jacobian: Float64Array | null) => {
    residuals[0] = 10 * (at[1] - at[0] ** 2);
    residuals[1] = 1 - at[0];
    jacobian?.set([-20 * at[0], 10, -1, 0]);
  },
});

describe('bounded least squares', () => {
  it('follows a curved valley from anywhere', () => {
    const value = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(value, value, (x, y) => {
        const result = minimizeSquares(valley([-5, -20], [5, 20]), [x, y]);
        expect(result.converged).toBe(true);
        expect(result.at[0]).toBeCloseTo(1, 8);
        expect(result.at[1]).toBeCloseTo(1, 8);
      }),
    );
  });
  it('stops on a bound and still optimises the rest', () => {
    const result = minimizeSquares(valley([-5, -20], [0.5, 20]), [-2, 3]);
    expect(result.converged).toBe(true);
    expect(result.at[0]).toBe(0.5);
    expect(result.at[1]).toBeCloseTo(0.25, 9);
  });
  it('leaves a bound that it started on', () => {
    const result = minimizeSquares(valley([-5, -20], [5, 20]), [5, 20]);
    expect(result.at[0]).toBeCloseTo(1, 8);
  });
  it('never ends above its start, and takes a start outside the bounds', () => {
    const result = minimizeSquares(valley([2, 2], [3, 3]), [99, -99]);
    expect([...result.at].every((value) => value >= 2 && value <= 3)).toBe(true);
    expect(result.at[0]).toBeCloseTo(2, 3);
  });
  it('accepts no parameters and parameters without effect', () => {
    const flat = {
      size: 1,
      lower: [0],
      upper: [1],
      evaluate: (_: Float64Array, residuals: Float64Array, jacobian: Float64Array | null) => {
        residuals[0] = 2;
        jacobian?.set([0]);
      },
    };
    expect(minimizeSquares(flat, [0.3])).toMatchObject({ sumOfSquares: 4, converged: true });
    expect(
      minimizeSquares({ ...flat, evaluate: (_, residuals) => void residuals.fill(3) }, []),
    ).toMatchObject({
      sumOfSquares: 9,
      converged: true,
    });
  });
  it('solves positive definite systems and refuses others', () => {
    const right = Float64Array.of(1, 2);
    expect(solvePositiveDefinite(Float64Array.of(4, 1, 1, 3), right, 2)).toBe(true);
    expect([...right].map((value) => Math.round(value * 11))).toEqual([1, 7]);
    expect(solvePositiveDefinite(Float64Array.of(1, 2, 2, 1), Float64Array.of(1, 1), 2)).toBe(false);
  });
});
