/** How many cells of an external workload run at once, and with how many threads and GPUs each. */
import { availableParallelism } from 'node:os';
import type { ExternalWorkload } from '#shared/experiment/external.ts';
import { visibleDevices } from './device-pool.ts';
import type { Wishes, Workforce } from './settings.ts';

/** Throws when a cell needs more GPUs than there are. Threads share the cores among the programs. */
export function externalWorkforce(workload: ExternalWorkload, wishes: Wishes): Workforce {
  const { gpus = 0, parallel } = workload;
  const devices = gpus > 0 || wishes.devices !== undefined ? visibleDevices(wishes.devices) : [];
  if (gpus > devices.length)
    throw new Error(
      `workload.gpus: a cell needs ${gpus} ${gpus === 1 ? 'GPU' : 'GPUs'}, but here ${devices.length === 0 ? 'is none' : devices.length === 1 ? 'is one' : `are ${devices.length}`}`,
    );
  const fitting = gpus > 0 ? Math.floor(devices.length / gpus) : Infinity;
  const trainers = Math.min(fitting, wishes.trainers ?? parallel ?? (gpus > 0 ? fitting : 1));
  const threads = wishes.threads ?? Math.max(1, Math.floor(availableParallelism() / trainers));
  return { trainers, threads, devices };
}
