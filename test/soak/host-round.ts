/** A host with windows that break, sleep and vanish, killed in the middle of training, and asked again. */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { startHost, type Host } from '../support/host.ts';
import { openClient, type SoakClient } from './client.ts';
import { finish, killAll } from './command-round.ts';
import { descriptors, residentBytes } from './leaks.ts';
import { trainersOf } from './sweep.ts';
import { count, type Tally } from './tally.ts';

const actions = [
  'break a connection',
  'leave a window asleep',
  'close a window without a word',
  'kill the trainers of the host',
  'kill the host',
  'kill the host and its trainers',
] as const;

/** Its settings are beside the store: those of the person who runs the soak stay as they are. */
const start = (folder: string, store: string): Promise<Host> =>
  startHost({ folder, store, arguments: ['--trainers', '2'] });

export async function hostRound(
  round: Parameters<typeof finish>[0] & { readonly disturbances: number },
): Promise<void> {
  const { folder, experimentFile, choices, tally } = round;
  const file = join(folder, 'soak.surge');
  const text = readFileSync(experimentFile, 'utf8');
  let host = await start(folder, file);
  let windows: SoakClient[] = [];
  const enter = async () => {
    const window = await openClient(host.url);
    windows.push(window);
    // As the command line trains it: the last bits depend on the threads and on the size of a stack.
    await window.client.call('settings.set', { threads: 1, maxCellsPerStack: 4 });
    const { experiment } = await window.client.call('experiments.create', { text, start: true });
    await window.client.call('watch.open', { experiment, metric: 'evaluationLoss' });
    return window;
  };
  try {
    await enter();
    for (let n = 0; n < round.disturbances; n++) {
      await wait(choices.between(300, 3_000));
      const action = choices.oneOf(actions);
      const window = choices.oneOf(windows);
      switch (action) {
        case 'break a connection':
          window.breakConnection();
          count(tally, action);
          break;
        case 'leave a window asleep':
          window.pause(choices.between(500, 4_000));
          count(tally, action);
          break;
        case 'close a window without a word':
          window.close();
          windows = windows.filter((each) => each !== window);
          count(tally, action);
          await enter();
          break;
        case 'kill the trainers of the host':
          count(tally, action, killAll(trainersOf(file)));
          break;
        case 'kill the host':
        case 'kill the host and its trainers': {
          const trainers = action === 'kill the host' ? [] : trainersOf(file);
          count(tally, action, killAll([host.running.child.pid!, ...trainers]));
          await host.running.finished;
          for (const each of windows) each.close();
          windows = [];
          host = await start(folder, file);
          await enter();
        }
      }
    }
  } finally {
    for (const each of windows) each.close();
    await host.stop();
  }
  await finish(round, file);
}

/** One host that stays up during the whole soak while windows come and go; its descriptors and memory must stay flat. */
export class LongHost {
  readonly #host: Host;
  readonly #tally: Tally;

  private constructor(host: Host, tally: Tally) {
    this.#host = host;
    this.#tally = tally;
  }

  static async start(store: string, settings: string, tally: Tally): Promise<LongHost> {
    return new LongHost(await start(settings, store), tally);
  }

  /** Windows that look at a finished sweep and leave, politely or not. */
  async visit(experimentText: string): Promise<void> {
    for (let n = 0; n < 8; n++) {
      const window = await openClient(this.#host.url);
      const { experiment } = await window.client.call('experiments.create', {
        text: experimentText,
        start: false,
      });
      await window.client.call('watch.open', { experiment, metric: 'evaluationLoss' });
      await window.client.call('experiments.list', { archived: false });
      if (n % 2 === 0) window.breakConnection();
      window.close();
    }
    await wait(500);
    const pid = this.#host.running.child.pid!;
    this.#tally.host.descriptors.push(descriptors(pid));
    this.#tally.host.residentBytes.push(residentBytes(pid));
  }

  async stop(): Promise<void> {
    await this.#host.stop();
  }
}
