/** Reports of external programs put in order, lines told from log, and verdicts on how a program ended. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { externalWorkloadSchema } from '#shared/experiment/external.ts';
import type { Metric } from '#shared/experiment/stack.ts';
import { externalChecksum, watchedFiles } from '#main/training/external/files.ts';
import { ProgramLog } from '#main/training/external/log.ts';
import { Results } from '#main/training/external/results.ts';
import { OutputLines } from '#main/training/external/sources.ts';
import { judge } from '#main/training/external/verdict.ts';

const names = {
  step: 'step',
  trainingLoss: 'loss',
  evaluationLoss: 'evaluationLoss',
  evaluationAccuracy: 'evaluationAccuracy',
};

/** Results and the curves that they have written so far. */
function collect(change: Partial<ConstructorParameters<typeof Results>[0]> = {}) {
  const curves: Record<Metric, number[]> = { trainingLoss: [], evaluationLoss: [], evaluationAccuracy: [] };
  const options = {
    names,
    divergesAbove: Infinity,
    steps: 6,
    marks: [1, 3, 6],
    recordTrainingLoss: true,
    ...change,
  };
  const results = new Results(options, (metric, first, points, values) => {
    expect(first).toBe(curves[metric].length);
    expect(values).toHaveLength(points);
    curves[metric].push(...values);
  });
  const take = (report: Readonly<Record<string, string | number>>) =>
    results.take((name) => (report[name] === undefined ? undefined : String(report[name])));
  return { results, curves, take };
}

describe('reports', () => {
  test('in any order give the same curves, each point once and without a gap', () => {
    const steps = [1, 2, 3, 4, 5, 6];
    fc.assert(
      fc.property(fc.shuffledSubarray(steps), (order) => {
        const { results, curves, take } = collect();
        for (const step of order) take({ step, loss: step, evaluationLoss: 10 * step });
        const whole = (wanted: readonly number[]) => {
          const gap = wanted.findIndex((step) => !order.includes(step));
          return gap < 0 ? wanted : wanted.slice(0, gap);
        };
        expect(curves.trainingLoss).toEqual(whole(steps));
        expect(curves.evaluationLoss).toEqual(whole([1, 3, 6]).map((step) => 10 * step));
        expect(results.lastStep).toBe(Math.max(0, ...order));
        expect(results.shortfall() === null).toBe(order.includes(6));
        const missing = [1, 3, 6].filter((step) => !order.includes(step)).length;
        const told = results
          .notices()
          .some((text) => text.startsWith(`evaluationLoss was not reported at ${missing} of 3`));
        expect(told).toBe(missing > 0 && order.length > 0);
      }),
    );
  });

  test('the first value of a step counts, and what is no step or no number is counted', () => {
    const { results, curves, take } = collect();
    expect(take({ step: 1, loss: 1 })).toBe(true);
    expect(take({ step: 1, loss: 2 })).toBe(true);
    expect(take({ step: 0, loss: 2 })).toBe(true);
    expect(take({ step: 7, loss: 2 })).toBe(true);
    expect(take({ step: 2.5, loss: 2 })).toBe(true);
    expect(take({ step: 2, loss: 'low' })).toBe(true);
    expect(take({ step: 2, loss: '' })).toBe(true);
    expect(take({ step: 'two', loss: 2 })).toBe(false);
    expect(take({ step: 2, other: 2 })).toBe(false);
    expect(take({ loss: 2 })).toBe(false);
    expect(curves.trainingLoss).toEqual([1]);
    expect(results.reports).toBe(7);
    expect(results.notices().join('\n')).toContain(
      '3 reports were at no step from 1 to 6 and were left out (step 0 among them',
    );
    expect(results.notices().join('\n')).toContain('1 values came again');
    expect(results.notices().join('\n')).toContain('1 values were no numbers');
    expect(results.shortfall()).toContain('its last report was at step 2 of 6');
  });

  test.each([NaN, Infinity, -Infinity])('a loss of %s diverges and stays in the curve', (loss) => {
    const { results, curves, take } = collect();
    take({ step: 1, loss: 1 });
    take({ step: 2, loss });
    expect(results.divergence).toEqual({ step: 2, reason: '' });
    expect(curves.trainingLoss).toEqual([1, loss]);
  });

  test('a loss above the limit diverges in words; an accuracy does not', () => {
    const { results, take } = collect({ divergesAbove: 50 });
    take({ step: 1, loss: 50, evaluationAccuracy: 99 });
    expect(results.divergence).toBeNull();
    take({ step: 3, evaluationLoss: 50.5 });
    expect(results.divergence).toEqual({
      step: 3,
      reason: 'loss above 50 at step 3 (evaluationLoss was 50.5)',
    });
    take({ step: 2, loss: 51 });
    expect(results.divergence?.step).toBe(2);
  });

  test('a curve that is not to be recorded is watched all the same', () => {
    const { results, curves, take } = collect({ recordTrainingLoss: false });
    take({ step: 1, loss: 1 });
    take({ step: 2, loss: NaN });
    expect(curves.trainingLoss).toEqual([]);
    expect(results.divergence?.step).toBe(2);
  });

  test('very long cells cost nothing for what is not there', () => {
    const { results, take } = collect({ steps: 1e9, marks: [1e9] });
    take({ step: 1e9, loss: 1, evaluationLoss: 1 });
    expect(results.shortfall()).toBeNull();
    expect(results.notices()).toEqual([
      'loss was not reported at 999999999 of 1000000000 steps (1, 2, 3, 4, 5, 6, 7, 8, …): its curve ends before the first of them',
    ]);
  });
});

describe('lines of output', () => {
  test('results and log are told apart, however the bytes are cut', () => {
    const text = [
      'hello',
      '{"step":1,"loss":-0.25}',
      '{"step": 2, "loss": 0.5, "note": "é"}',
      '{"step":',
      '{"a":1}',
      '  {"step":3,"loss":-Infinity}',
      // Said before the program could be ended: it does not count.
      '{"step":4,"loss":NaN}',
      'rest',
    ].join('\n');
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const bytes = Buffer.from(text);
        const { curves, results } = collect();
        const lines = new OutputLines(results);
        const ends = [...new Set(cuts), 0, bytes.length].sort((a, b) => a - b);
        let log = '';
        for (let i = 1; i < ends.length; i++) log += lines.take(bytes.subarray(ends[i - 1], ends[i]));
        log += lines.end();
        expect(log).toBe('hello\n{"step":\n{"a":1}\nrest\n');
        expect(curves.trainingLoss).toEqual([-0.25, 0.5, -Infinity]);
      }),
    );
  });

  test('a line without an end does not fill the memory', () => {
    const lines = new OutputLines(collect().results);
    const piece = Buffer.alloc(1 << 19, 'x');
    const lengths = Array.from({ length: 6 }, () => lines.take(piece).length);
    expect(lengths.some((length) => length > 1 << 20)).toBe(true);
    expect(lengths.reduce((a, b) => a + b) + lines.end().length).toBeGreaterThanOrEqual(6 * piece.length);
  });
});

describe('files', () => {
  let folder = '';
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'surge-external-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const workload = (change: object) =>
    externalWorkloadSchema.parse({
      kind: 'external',
      command: ['python3', 'train.py', '{seed}'],
      folder,
      ...change,
    });

  test('those named by arguments are watched, a change of them is another checksum', () => {
    writeFileSync(join(folder, 'train.py'), 'one');
    expect(watchedFiles(workload({}))).toEqual(['train.py']);
    const before = externalChecksum(workload({}));
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    writeFileSync(join(folder, 'train.py'), 'two');
    expect(externalChecksum(workload({}))).not.toBe(before);
    expect(externalChecksum(workload({ files: [] }))).toBe('');
    expect(watchedFiles(workload({ command: ['./train.py'] }))).toEqual(['./train.py']);
    // Found on the PATH, not here.
    expect(watchedFiles(workload({ command: ['train.py'] }))).toEqual([]);
    expect(watchedFiles(workload({ command: ['cat train.py'], shell: true }))).toEqual([]);
  });

  test('a missing file or folder is named', () => {
    expect(() => externalChecksum(workload({ files: ['gone'] }))).toThrow(
      `workload.files: ${join(folder, 'gone')} cannot be read (ENOENT)`,
    );
    expect(() => externalChecksum(workload({ folder: join(folder, 'no') }))).toThrow('workload.folder: ');
  });

  test('the log keeps what was said and its reason has nothing that a terminal obeys', () => {
    const file = join(folder, 'log');
    const descriptor = openSync(file, 'a');
    const log = new ProgramLog(descriptor, 'heading\n');
    expect(log.lastLines()).toBe('');
    log.write('a\nb\n\u001b[2J\u001b[31mred\u001b[0m\u0007\n\n\u009b1mc\rd\n');
    closeSync(descriptor);
    expect(log.lastLines()).toBe('red | 1mc | d');
    expect(readFileSync(file, 'utf8')).toContain('heading\na\nb\n\u001b[2J');
  });
});

describe('verdicts', () => {
  const reported = { divergence: null, lastStep: 3, shortfall: () => null };
  const around = { timeLimitSeconds: 9, silenceLimitSeconds: 4, steps: 6, lastLines: 'last words' };

  test('an end that was asked for goes before all, then divergence, then the end itself', () => {
    const diverged = { ...reported, divergence: { step: 2, reason: '' } };
    expect(judge({ end: 'ended', cause: 'asked' }, diverged, around)).toMatchObject({ reason: 'asked' });
    expect(judge({ end: 'exit', code: 1 }, diverged, around)).toEqual({ kind: 'diverged' });
    expect(judge({ end: 'ended', cause: 'time' }, diverged, around)).toEqual({ kind: 'diverged' });
    expect(judge({ end: 'exit', code: 0 }, reported, around)).toEqual({ kind: 'finished' });
  });

  test.each([
    [
      { end: 'signal', signal: 'SIGTERM' },
      'killed',
      'the program was killed from outside (SIGTERM) at step 3 of 6',
    ],
    [
      { end: 'exit', code: 143 },
      'killed',
      'the program was killed from outside (exit code 143: SIGTERM) at step 3 of 6',
    ],
    [
      { end: 'signal', signal: 'SIGABRT' },
      'error',
      'the program crashed (SIGABRT) at step 3 of 6: last words',
    ],
    [{ end: 'exit', code: 2 }, 'error', 'the program ended with exit code 2 at step 3 of 6: last words'],
    [{ end: 'ended', cause: 'time' }, 'error', 'ended at its time limit of 9 s, at step 3 of 6: last words'],
    [
      { end: 'ended', cause: 'silence' },
      'error',
      'gave no sign of life for 4 s (silence limit), at step 3 of 6: last words',
    ],
  ] as const)('%j', (end, reason, message) => {
    expect(judge(end, reported, around)).toEqual({ kind: 'stopped', reason, message });
  });
});
