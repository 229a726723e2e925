/** Calibrations of this user's machine, kept between runs: one file for each workload, data set and grid shape. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { MeasuredSpeeds } from '#shared/api/types.ts';
import { cacheFolder } from '#main/setup/platform.ts';

export function calibrationFolder(): string {
  return cacheFolder('calibration');
}

export function measuredSpeeds(): MeasuredSpeeds {
  const times = files().map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return { count: times.length, newest: times.length === 0 ? null : Math.round(Math.max(...times)) };
}

/** The next experiment is measured again: after other hardware, or when the machine was busy at the time. */
export function forgetMeasuredSpeeds(): MeasuredSpeeds {
  for (const file of files()) rmSync(file, { force: true });
  return measuredSpeeds();
}

function files(): string[] {
  const folder = calibrationFolder();
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
