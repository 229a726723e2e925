/**
 * Time and memory of the analysis of a large experiment: 12 batch sizes × 10 learning rates × 100 seeds × 500 marks, 400
 * resamples. Prints a table; --json prints the numbers. Run with `npm run bench:analysis`.
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
import { syntheticCurves } from '../support/synthetic-curves.ts';

const TARGET_SECONDS = 10;
const TARGET_BYTES = 1.5e9;

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
function time(analysis: string, work: () => Ridge[]): void {
  const start = cpuUsage();
  const ridges = work().length;
  const { user, system } = cpuUsage(start);
  timings.push({ analysis, seconds: (user + system) / 1e6, ridges });
}

time('one ridge', () => [ridgeOf(curves, { kind: 'equal-steps', step: 100 })]);
time('migration at equal steps, every mark', () => migrationOverSteps(curves));
time('migration at equal samples', () => migrationOverSamples(curves));
const targets = defaultTargets(curves, 10);
time('migration at equal loss, each seed', () => migrationOverLoss(curves, targets, 10));
time('migration at equal loss, mean curve', () => migrationOverLoss(curves, targets, 10, 'mean-curve'));

const seconds = timings.reduce((sum, timing) => sum + timing.seconds, 0);
const residentBytes = process.resourceUsage().maxRSS * 1024;
const passed = seconds < TARGET_SECONDS && residentBytes < TARGET_BYTES;
if (process.argv.includes('--json')) console.log(JSON.stringify({ timings, seconds, residentBytes, passed }));
else {
  for (const timing of timings)
    console.log(
      `${timing.analysis.padEnd(40)} ${timing.seconds.toFixed(2).padStart(7)} s  ${timing.ridges} ridges`,
    );
  console.log(`${'together'.padEnd(40)} ${seconds.toFixed(2).padStart(7)} s  (target ${TARGET_SECONDS} s)`);
  console.log(`memory at most ${(residentBytes / 1e9).toFixed(2)} GB (target ${TARGET_BYTES / 1e9} GB)`);
}
if (!passed) process.exitCode = 1;
