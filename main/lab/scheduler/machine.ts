/** What this machine can train with at once. */
import { availableParallelism } from 'node:os';
import { locateEngine } from '#main/setup/locate-engine.ts';
import type { Workforce } from './settings.ts';
import { defaultWorkforce } from './settings.ts';

export function machineWorkforce(
  wishes: { readonly trainers?: number | undefined; readonly threads?: number | undefined } = {},
): Workforce {
  return defaultWorkforce(
    {
      cores: availableParallelism(),
      // Knows of container limits, unlike the operating system's own figure.
      freeBytes: process.availableMemory(),
      gpu: locateEngine()?.variant === 'cuda',
    },
    wishes,
  );
}
