/** The GPUs of this machine as they are dealt out: a trainer sees those that it was dealt and no others. */
import { execFileSync } from 'node:child_process';

const LOOK_MILLISECONDS = 10_000;
/** The driver's own list of GPUs; it comes with the driver. */
const DRIVER_LIST = ['nvidia-smi', '--query-gpu=index', '--format=csv,noheader'];

/**
 * Names as CUDA_VISIBLE_DEVICES takes them: those that were asked for, those that the environment shows, or all that the
 * driver has. Empty without any.
 */
export function visibleDevices(asked: readonly string[] | undefined): readonly string[] {
  if (asked !== undefined) return asked;
  const shown = process.env.CUDA_VISIBLE_DEVICES;
  if (shown !== undefined) return deviceList(shown);
  try {
    const [program, ...options] = DRIVER_LIST;
    const indices = execFileSync(program, options, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: LOOK_MILLISECONDS,
    });
    return deviceList(indices.replaceAll('\n', ','));
  } catch {
    return [];
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
