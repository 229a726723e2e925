import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  calibrationFolder,
  forgetMeasuredSpeeds,
  measuredSpeeds,
} from '#main/lab/scheduler/measured-speeds.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'surge-speeds-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true, force: true });
});

it('there are none before anything is measured', () => {
  expect(measuredSpeeds()).toEqual({ count: 0, newest: null });
  expect(forgetMeasuredSpeeds()).toEqual({ count: 0, newest: null });
});

it('are counted with the newest one, and forgotten without anything else', () => {
  const folder = calibrationFolder();
  expect(folder.startsWith(cache)).toBe(true);
  mkdirSync(folder, { recursive: true });
  for (const [name, seconds] of [
    ['a.json', 1_000],
    ['b.json', 3_000],
    ['c.json', 2_000],
    // Half written by a process that measures at this moment.
    ['d.json.17.tmp', 9_000],
  ] as const) {
    writeFileSync(join(folder, name), '{}');
    utimesSync(join(folder, name), seconds, seconds);
  }
  expect(measuredSpeeds()).toEqual({ count: 3, newest: 3_000_000 });
  expect(forgetMeasuredSpeeds()).toEqual({ count: 0, newest: null });
  expect(existsSync(join(folder, 'a.json'))).toBe(false);
  expect(existsSync(join(folder, 'd.json.17.tmp'))).toBe(true);
});
