/**
 * Hours of small sweeps under random kills, full disks, wrong clocks, suspensions, copies taken mid-write and windows
 * that vanish. At the end nothing may be lost, different or left behind.
 *
 *   npm run soak [-- --minutes 30] [--seed 1] [--json]
 *
 * Ends with exit code 1 when something was. Needs root for full disks, Debian's faketime for wrong clocks.
 */
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { canShiftClock, commandRound } from './command-round.ts';
import { fullDiskRound } from './full-disk-round.ts';
import { hostRound, LongHost } from './host-round.ts';
import { leftovers, processesUsing } from './leaks.ts';
import { Choices } from './random.ts';
import { quietRun } from './sweep.ts';
import { isClean, judgeHost, newTally, report } from './tally.ts';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const minutes = Number(options.minutes);
const seed = Number(options.seed);
if (!(minutes > 0) || !Number.isInteger(seed))
  throw new Error('--minutes must be above 0, --seed a whole number');

const root = mkdtempSync(join(tmpdir(), 'surge-soak-'));
const tally = newTally();
const deadline = tally.started + minutes * 60_000;
const say = (text: string) => process.stderr.write(`${text}\n`);
try {
  const experimentFile = join(root, 'soak.yaml');
  const quiet = join(root, 'quiet.surge');
  const whole = await quietRun(experimentFile, quiet);
  if (!canShiftClock) say('The clock is left alone: Debian’s faketime is not installed.');
  // A copy, so that the host's store is not the one that others compare with.
  const hosted = join(root, 'hosted.surge');
  copyFileSync(quiet, hosted);
  cpSync(`${quiet}.spool`, `${hosted}.spool`, { recursive: true });
  const longHost = await LongHost.start(hosted, root, tally);
  const experimentText = readFileSync(experimentFile, 'utf8');
  await longHost.visit(experimentText);
  let rounds = 0;
  let told = 0;
  const lane = async (choices: Choices) => {
    while (Date.now() < deadline) {
      const n = rounds++;
      const folder = join(root, `round-${n}`);
      mkdirSync(folder);
      const round = { folder, experimentFile, whole, choices, tally, disturbances: 24, deadline };
      if (n % 6 === 5) await fullDiskRound(round);
      else if (n % 3 === 1) await hostRound(round);
      else await commandRound(round);
      tally.rounds++;
      const left = processesUsing(folder);
      tally.losses.leakedProcesses += left.length;
      if (left.length > 0) tally.notes.push(`round ${n} left processes ${left.join(', ')}`);
      const files = leftovers(folder);
      tally.losses.leakedFiles += files.length;
      if (files.length > 0) tally.notes.push(`round ${n} left ${files.join(', ')}`);
      rmSync(folder, { recursive: true, force: true });
      await longHost.visit(experimentText);
      for (; told < tally.notes.length; told++) say(`! ${tally.notes[told]}`);
      const remaining = Math.max(0, (deadline - Date.now()) / 60_000);
      say(
        `round ${n}: ${tally.kills} kills so far, ${remaining.toFixed(1)} min left${isClean(tally) ? '' : ', NOT CLEAN'}`,
      );
    }
  };
  await Promise.all([1, 2].map((number) => lane(new Choices(seed + number / 10))));
  await longHost.stop();
  judgeHost(tally);
  console.log(options.json ? JSON.stringify({ seed, minutes, ...tally }, null, 2) : report(tally, seed));
  if (!isClean(tally)) process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}
