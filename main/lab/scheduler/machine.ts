/** What this machine can train with at once. */
import { availableParallelism } from 'node:os';
import { locateEngine } from '#main/setup/locate-engine.ts';
import { visibleDevices } from './device-pool.ts';
import type { Wishes, Workforce } from './settings.ts';
import { defaultWorkforce } from './settings.ts';

export function machineWorkforce({ trainers, threads, devices }: Wishes = {}): Workforce {
  return defaultWorkforce(
    {
      cores: availableParallelism(),
      // Knows of container limits, unlike the operating system's own figure.
      freeBytes: process.availableMemory(),
      devices: locateEngine()?.variant === 'cuda' ? visibleDevices(devices) : null,
    },
    { trainers, threads, devices },
  );
}
