/** What this machine can train with at once. */
import { availableParallelism } from 'node:os';
import { locateEngine } from '#main/setup/locate-engine.ts';
import { leastFreeDeviceBytes, visibleDevices } from './device-pool.ts';
import type { Wishes, Workforce } from './settings.ts';
import { defaultWorkforce } from './settings.ts';

/** The rest is for the lab, for the files' cache and for what a prediction misses. */
const MEMORY_SHARE = 0.9;

export function machineWorkforce({ trainers, threads, devices, memory }: Wishes = {}): Workforce {
  // Below the limit of a control group, unlike the operating system's own figure.
  const freeBytes = memory ?? MEMORY_SHARE * process.availableMemory();
  const cuda = locateEngine()?.variant === 'cuda';
  const workforce = defaultWorkforce(
    { cores: availableParallelism(), freeBytes, devices: cuda ? visibleDevices(devices) : null },
    { trainers, threads, devices },
  );
  const deviceBytes = () => leastFreeDeviceBytes(workforce.devices ?? []);
  const memoryBytes = cuda ? (memory ?? deviceBytes()) : Math.floor(freeBytes / workforce.trainers);
  return memoryBytes === null ? workforce : { ...workforce, memoryBytes };
}
