/** One sweep by the command line, disturbed until it is complete. */
import { copyFileSync, cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openStore } from '#main/lab/store/index.ts';
import { startSurge, surge, type Running } from '../support/cli.ts';
import type { Choices } from './random.ts';
import { differences, resultOf, training, trainersOf, type Result } from './sweep.ts';
import { count, type Tally } from './tally.ts';

const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
export const canShiftClock = existsSync(FAKETIME);

const actions = [
  'kill the trainers',
  'kill the trainers',
  'kill the lab',
  'kill the lab',
  'kill both',
  'kill both',
  'kill both',
  'ask the lab to stop',
  'suspend a trainer',
  'suspend the lab',
  'copy the store and open the copy',
  'pause from outside',
  'set the clock while it trains',
] as const;

interface Round {
  readonly folder: string;
  readonly experimentFile: string;
  readonly whole: Result;
  readonly choices: Choices;
  readonly tally: Tally;
  /** Disturbances before the sweep is left alone. */
  readonly disturbances: number;
  readonly deadline: number;
}

export async function commandRound(round: Round): Promise<void> {
  const { folder, experimentFile, choices, tally } = round;
  const file = join(folder, 'soak.surge');
  let lab: Running | null = null;
  const ended = () => lab === null || lab.child.exitCode !== null || lab.child.signalCode !== null;
  for (let n = 0; n < round.disturbances && Date.now() < round.deadline; n++) {
    if (ended())
      lab = startSurge(['run', experimentFile, '--store', file, ...training], clock(folder, choices, tally));
    const running = lab!;
    await wait(choices.between(100, 2_500));
    const action = choices.oneOf(actions);
    const trainers = trainersOf(file);
    switch (action) {
      case 'kill the trainers':
        count(tally, action, killAll(trainers));
        break;
      case 'kill the lab':
        count(tally, action, killAll([running.child.pid!]));
        await running.finished;
        break;
      case 'kill both':
        count(tally, action, killAll([running.child.pid!, ...trainers]));
        await running.finished;
        break;
      case 'ask the lab to stop':
        count(tally, action);
        running.child.kill('SIGTERM');
        await running.finished;
        break;
      case 'suspend a trainer':
      case 'suspend the lab': {
        const pid = action === 'suspend the lab' ? running.child.pid! : trainers[0];
        if (pid === undefined) break;
        count(tally, action);
        send(pid, 'SIGSTOP');
        await wait(choices.between(100, 2_000));
        send(pid, 'SIGCONT');
        break;
      }
      case 'copy the store and open the copy':
        count(tally, action);
        openCopy(round, file);
        break;
      case 'pause from outside':
        count(tally, action);
        if (existsSync(file)) await surge(['pause', 'soak', '--store', file]);
        break;
      case 'set the clock while it trains':
        if (!canShiftClock) break;
        count(tally, action);
        setClock(folder, choices);
    }
  }
  if (!ended()) {
    lab!.child.kill('SIGTERM');
    await lab!.finished;
  }
  await finish(round, file);
}

/** Leaves the sweep alone until it is complete, and compares. */
export async function finish({ experimentFile, whole, tally }: Round, file: string): Promise<void> {
  const last = await surge(['run', experimentFile, '--store', file, ...training]);
  if (last.code !== 0) {
    tally.losses.wrongExits++;
    tally.notes.push(`the last run of ${file} ended with ${last.code}: ${last.stderr.slice(-300)}`);
  }
  const result = resultOf(file);
  tally.losses.cellsLost += whole.cells - result.ended;
  const different = differences(result, whole) + differences(whole, result);
  tally.losses.resultsThatDiffer += different;
  if (different > 0) tally.notes.push(`${different} curves of ${file} differ`);
}

/** As a power cut leaves it: files copied one after the other while they are written. */
function openCopy({ folder, whole, tally }: Round, file: string): void {
  if (!existsSync(file)) return;
  const copy = join(folder, 'copy', 'soak.surge');
  rmSync(join(folder, 'copy'), { recursive: true, force: true });
  cpSync(`${file}.spool`, `${copy}.spool`, { recursive: true });
  for (const ending of ['', '-wal'])
    if (existsSync(file + ending)) copyFileSync(file + ending, copy + ending);
  try {
    const store = openStore(copy);
    for (const { id } of store.experiments()) for (const { key } of store.stacks(id)) store.ingest(key);
    const isEmpty = store.experiments().length === 0;
    store.close();
    if (!isEmpty && differences(resultOf(copy), whole) > 0) {
      tally.losses.copiesThatDiffer++;
      tally.notes.push(`a copy of ${file} has other curves`);
    }
  } catch (error) {
    tally.losses.copiesThatDoNotOpen++;
    tally.notes.push(`a copy of ${file} did not open: ${String(error)}`);
  }
  rmSync(join(folder, 'copy'), { recursive: true, force: true });
}

/**
 * Every third start sees another date: the clock was set, or the battery was empty. The date comes from a file that is
 * read again every second, so that it can jump later.
 */
function clock(folder: string, choices: Choices, tally: Tally): NodeJS.ProcessEnv {
  if (!canShiftClock) return {};
  if (choices.between(0, 3) > 1) writeFileSync(clockFile(folder), '+0d\n');
  else {
    setClock(folder, choices);
    count(tally, 'start with the clock set wrong');
  }
  return {
    LD_PRELOAD: FAKETIME,
    FAKETIME_TIMESTAMP_FILE: clockFile(folder),
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

const clockFile = (folder: string) => join(folder, 'clock');

function setClock(folder: string, choices: Choices): void {
  const days = Math.round(choices.between(-400, 400));
  writeFileSync(clockFile(folder), `${days >= 0 ? '+' : ''}${days}d\n`);
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // It has ended in the meantime.
    return false;
  }
}

export function killAll(pids: readonly number[]): number {
  return pids.filter((pid) => send(pid, 'SIGKILL')).length;
}
