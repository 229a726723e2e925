/**
 * Time and memory of the analysis of a large experiment: 12 batch sizes × 10 learning rates × 100 seeds × 500 marks, 400
 * resamples; and the time of fitting the laws to 1,000 ridges. Prints a table; --json prints the numbers. Run with `npm run bench:analysis`.
 */
import { cpuUsage } from 'node:process';
import type { CurveSet } from '#shared/analysis/curves.ts';
import {
  defaultTargets,
  migrationOverLoss,
  migrationOverSamples,
  migrationOverSteps,
} from '#shared/analysis/migration.ts';
import type { Ridge } from '#shared/analysis/ridge.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import { fitLaws } from '#shared/laws/fit.ts';
import { evaluateLaw } from '#shared/laws/laws.ts';
import type { ScanCache } from '#shared/laws/solver.ts';
import { stream } from '#shared/random/index.ts';
import { syntheticCurves } from '../support/synthetic-curves.ts';

const TARGET_SECONDS = 10;
const TARGET_BYTES = 1.5e9;
const FITTED_RIDGES = 1000;
const FIT_TARGET_SECONDS = 5;

const marks = Array.from({ length: 500 }, (_, i) => i + 1);
const curves: CurveSet = syntheticCurves({
  batchSizes: Array.from({ length: 12 }, (_, i) => 2 ** i),
  learningRates: Array.from({ length: 10 }, (_, i) => 1e-4 * 2 ** i),
  seeds: 100,
  marks,
  optimum: (batchSize, step) =>
    4e-3 / (Math.sqrt(batchSize / (640 / step)) + Math.sqrt(640 / step / batchSize)),
  noise: 0.05,
});

interface Timing {
  readonly analysis: string;
  /** Of processor time: the analysis has one thread, and other programs on the machine must not count. */
  readonly seconds: number;
  readonly ridges: number;
}

const timings: Timing[] = [];
function measure(analysis: string, work: () => number): Timing {
  const start = cpuUsage();
  const ridges = work();
  const { user, system } = cpuUsage(start);
  return { analysis, seconds: (user + system) / 1e6, ridges };
}
function time(analysis: string, work: () => Ridge[]): void {
  timings.push(measure(analysis, () => work().length));
}

time('one ridge', () => [ridgeOf(curves, { kind: 'equal-steps', step: 100 })]);
time('migration at equal steps, every mark', () => migrationOverSteps(curves));
time('migration at equal samples', () => migrationOverSamples(curves));
const targets = defaultTargets(curves, 10);
time('migration at equal loss, each seed', () => migrationOverLoss(curves, targets, 10));
time('migration at equal loss, mean curve', () => migrationOverLoss(curves, targets, 10, 'mean-curve'));

/** Ridges of known laws with the noise of a good sweep, on one set of batch sizes as in an experiment. */
const batchSizes = curves.batchSizes;
const normal = stream('bench/ridges', 0);
const ridgesToFit = Array.from({ length: FITTED_RIDGES }, (_, i) =>
  batchSizes.map((batchSize, b) => ({
    batchSize,
    learningRate:
      evaluateLaw(i % 2 === 0 ? 'surge' : 'alpha1', { epsMax: 4e-3, bNoise: 8 + (i % 200) }, batchSize) *
      Math.exp(0.1 * normal.normal(i * batchSizes.length + b)),
  })),
);
const cache: ScanCache = new Map();
const fits = measure('all laws fitted, with leave-one-out', () => {
  for (const points of ridgesToFit) fitLaws(points, { cache });
  return ridgesToFit.length;
});

const seconds = timings.reduce((sum, timing) => sum + timing.seconds, 0);
const residentBytes = process.resourceUsage().maxRSS * 1024;
const passed = seconds < TARGET_SECONDS && fits.seconds < FIT_TARGET_SECONDS && residentBytes < TARGET_BYTES;
if (process.argv.includes('--json'))
  console.log(JSON.stringify({ timings, seconds, fits, residentBytes, passed }));
else {
  for (const timing of timings)
    console.log(
      `${timing.analysis.padEnd(40)} ${timing.seconds.toFixed(2).padStart(7)} s  ${timing.ridges} ridges`,
    );
  console.log(`${'together'.padEnd(40)} ${seconds.toFixed(2).padStart(7)} s  (target ${TARGET_SECONDS} s)`);
  console.log(
    `${fits.analysis.padEnd(40)} ${fits.seconds.toFixed(2).padStart(7)} s  ${fits.ridges} ridges  (target ${FIT_TARGET_SECONDS} s)`,
  );
  console.log(`memory at most ${(residentBytes / 1e9).toFixed(2)} GB (target ${TARGET_BYTES / 1e9} GB)`);
}
if (!passed) process.exitCode = 1;
