/** The GPUs of this machine as they are dealt out: a trainer sees those that it was dealt and no others. */
import { execFileSync } from 'node:child_process';

const LOOK_MILLISECONDS = 10_000;
/** Comes with the driver. */
const DRIVER_PROGRAMS = ['nvidia-smi'];

/**
 * Names as CUDA_VISIBLE_DEVICES takes them: those that were asked for, those that the environment shows, or all that the
 * driver has. Empty without any.
 */
export function visibleDevices(asked: readonly string[] | undefined): readonly string[] {
  if (asked !== undefined) return asked;
  const shown = process.env.CUDA_VISIBLE_DEVICES;
  if (shown !== undefined) return deviceList(shown);
  return deviceList(askDriver('index')?.replaceAll('\n', ',') ?? '');
}

/** Bytes that are free on the fullest of these devices (of all without any); null where the driver does not tell. */
export function leastFreeDeviceBytes(devices: readonly string[]): number | null {
  return leastFreeBytes(
    askDriver('memory.free', devices.length === 0 ? [] : [`--id=${devices.join(',')}`]) ?? '',
  );
}

/** From the driver's list of mebibytes, a line a device. */
export function leastFreeBytes(text: string): number | null {
  const mebibytes = text
    .split('\n')
    .filter((line) => /^\s*\d+\s*$/.test(line))
    .map(Number);
  return mebibytes.length === 0 ? null : Math.min(...mebibytes) * 2 ** 20;
}

/** What the driver's own program says; null where there is none. */
function askDriver(what: string, options: readonly string[] = []): string | null {
  try {
    const [program] = DRIVER_PROGRAMS;
    return execFileSync(program, [`--query-gpu=${what}`, '--format=csv,noheader,nounits', ...options], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: LOOK_MILLISECONDS,
    });
  } catch {
    return null;
  }
}

/** '0, 2' → ['0', '2']; as CUDA has it, nothing behind an index below zero counts. */
export function deviceList(text: string): readonly string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const end = names.findIndex((name) => name.startsWith('-'));
  return [...new Set(end < 0 ? names : names.slice(0, end))];
}

/** Every trainer gets the least used devices: none is shared while there are enough of them. */
export class DevicePool {
  readonly #uses: Map<string, number>;

  constructor(devices: readonly string[]) {
    this.#uses = new Map(devices.map((device) => [device, 0]));
  }

  /** In the order of the list. `count` must not be above the number of devices. */
  take(count: number): readonly string[] {
    const devices = [...this.#uses];
    const chosen = new Set(
      devices
        .toSorted(([, a], [, b]) => a - b)
        .slice(0, count)
        .map(([device]) => device),
    );
    const taken = devices.map(([device]) => device).filter((device) => chosen.has(device));
    for (const device of taken) this.#uses.set(device, this.#uses.get(device)! + 1);
    return taken;
  }

  giveBack(devices: readonly string[]): void {
    for (const device of devices) this.#uses.set(device, this.#uses.get(device)! - 1);
  }
}
