/** One sweep on a disk that runs full in the middle; room is made, and it is completed. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startSurge } from '../support/cli.ts';
import { finish } from './command-round.ts';
import { training } from './sweep.ts';
import { count } from './tally.ts';

/** The lab keeps this much free by itself; the disk is filled below it. */
const RESERVE = 64 * 2 ** 20;

export async function fullDiskRound(round: Parameters<typeof finish>[0]): Promise<void> {
  const { folder, experimentFile, choices, tally } = round;
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${2 * RESERVE}`, 'tmpfs', disk]).status !== 0) {
    count(tally, 'full disk not possible here (no right to mount)');
    return;
  }
  try {
    const file = join(disk, 'soak.surge');
    const running = startSurge(['run', experimentFile, '--store', file, ...training]);
    await wait(choices.between(3_000, 9_000));
    const { bavail, bsize } = statfsSync(disk);
    const filler = join(disk, 'filler');
    try {
      writeFileSync(filler, Buffer.alloc(bavail * bsize));
    } catch {
      // The sweep took the last bytes first: full all the same.
    }
    count(tally, 'fill the disk');
    await wait(choices.between(1_000, 6_000));
    rmSync(filler, { force: true });
    running.child.kill('SIGTERM');
    await running.finished;
    await finish(round, file);
  } finally {
    spawnSync('umount', ['-l', disk]);
  }
}
