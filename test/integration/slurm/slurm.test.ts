/**
 * A sweep on a real Slurm of one node: tasks are killed, requeued and kept waiting by a drained node; what was lost is
 * queued again, and the merged store equals, bit by bit, the same plan trained here.
 */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  curvesOf,
  stacksOf,
  surge,
  surgeJson,
  temporaryFolder,
  waitUntil,
  writeExperiment,
} from '../../support/cli.ts';
import { slurmMissing, startSlurm, type SlurmCluster } from '../../support/slurm-cluster.ts';

const missing = slurmMissing();
if (missing !== null && process.env.CI === 'true') throw new Error(missing);
if (missing !== null) console.log(missing);

const taskSchema = z.object({
  task: z.int(),
  state: z.string(),
  cells: z.int(),
  cellsDone: z.int(),
  node: z.string(),
  reason: z.string(),
});
const statusSchema = z.object({ tasks: z.array(taskSchema), jobs: z.array(z.object({ job: z.string() })) });

const TASKS = 6;

describe.skipIf(missing !== null)('a sweep on Slurm', () => {
  const folder = temporaryFolder();
  let cluster: SlurmCluster;
  beforeAll(async () => {
    cluster = await startSlurm();
  }, 120_000);
  // A test that failed leaves nothing in the way of the next.
  afterEach(() => {
    cluster.run('scancel', '--user=root');
    const state = cluster.run('sinfo', '--noheader', '--format=%T');
    if (state.includes('drain')) cluster.run('scontrol', 'update', 'NodeName=localhost', 'State=RESUME');
  });
  afterAll(async () => {
    await cluster?.stop();
    folder.remove();
  });

  const store = () => folder.file('lab.surge');
  const shared = () => folder.file('cluster');
  const environment = () => ({ ...cluster.environment, SURGE_STORE: store() });
  const ok = async (...parts: string[]) => {
    const { code, stdout, stderr } = await surge(parts, environment());
    expect(`${code} ${stderr}`).toMatch(/^0 /);
    return stdout;
  };
  const status = async () =>
    statusSchema.parse((await surgeJson(['slurm', 'status', 'split'], environment())).value);
  const inQueue = () =>
    cluster.run('squeue', '--noheader', '--array', '--format=%K %T').trim().split('\n').filter(Boolean);
  const running = () =>
    inQueue()
      .filter((line) => line.endsWith('RUNNING'))
      .map((line) => Number(line.split(' ')[0]));
  const stacksOfTask = (task: number) => stacksOf(join(shared(), 'shards', `task-${task}.surge`));
  /** In the first half of its steps, so that it is still there when something is done to it. */
  const trains = (task: number) =>
    stacksOfTask(task).some(({ stepsDone, steps }) => stepsDone > 0 && stepsDone < steps / 2);

  it('survives kills, a requeue and a drained node, and equals the local run bit by bit', async () => {
    const file = folder.file('split.yaml');
    writeExperiment(file, {
      name: 'split',
      workload: { kind: 'mlp', hidden: [16], data: { source: 'digits' } },
      optimizer: { kind: 'adam' },
      learningRates: { log: { from: 1e-3, to: 1e-1, count: 8 } },
      batchSizes: { list: [1, 8, 64] },
      seeds: 2,
      length: { steps: 20_000 },
      evaluation: { examples: 200 },
    });
    const submit = [
      'slurm',
      'submit',
      file,
      '--folder',
      shared(),
      '--threads',
      '1',
      '--cells-per-stack',
      '8',
      '--stacks-per-job',
      '1',
    ];
    expect(await ok(...submit, '--dry-run')).toContain(`sbatch --array=0-${TASKS - 1}`);
    const script = readFileSync(join(shared(), 'job.sh'), 'utf8');
    expect(script).toContain('#SBATCH --cpus-per-task=1');
    expect(script).not.toContain('{{');
    expect((await status()).tasks.map(({ state }) => state)).toEqual(Array<string>(TASKS).fill('lost'));
    // The same plan for the local run, before any of it is trained.
    const local = folder.file('local.surge');
    cpSync(store(), local);
    cpSync(`${store()}.spool`, `${local}.spool`, { recursive: true });
    // A second hand-out into the same folder would overwrite the first.
    expect((await surge([...submit], environment())).code).toBe(2);

    await ok('slurm', 'resubmit-missing', 'split');
    const [{ job }] = (await status()).jobs;
    await waitUntil('a task trains', () => running().some(trains), 90);
    const [killed, requeued = killed] = running().filter(trains);
    const again = [killed, requeued];
    cluster.run('scancel', '--signal=KILL', '--full', `${job}_${killed}`);
    if (requeued !== killed) cluster.run('scontrol', 'requeue', `${job}_${requeued}`);
    cluster.run('scontrol', 'update', 'NodeName=localhost', 'State=DRAIN', 'Reason=test');
    await waitUntil('nothing runs on the drained node', () => running().length === 0, 120);
    expect(inQueue().length).toBeGreaterThan(0);
    const meanwhile = await status();
    expect(meanwhile.tasks[killed].state).toBe('lost');
    expect(meanwhile.tasks.some(({ state, reason }) => state === 'waiting' && reason !== '')).toBe(true);
    // What is there so far can be looked at.
    await ok('slurm', 'collect', 'split');
    cluster.run('scontrol', 'update', 'NodeName=localhost', 'State=RESUME');
    if (requeued === killed) {
      await waitUntil(
        'another task trains',
        () => running().some((task) => task !== killed && trains(task)),
        90,
      );
      const another = running().find((task) => task !== killed && trains(task));
      if (another !== undefined) {
        cluster.run('scontrol', 'requeue', `${job}_${another}`);
        again.push(another);
      }
    }
    // As Slurm does two minutes before a time limit: the task saves a checkpoint and queues itself again.
    // Not one that was queued again: it has steps of its first start, whether its script runs yet or not.
    let limited = -1;
    await waitUntil(
      'a third task is told of its limit',
      () =>
        running()
          .filter((task) => !again.includes(task) && trains(task))
          .some((task) => {
            try {
              cluster.run('scancel', '--signal=USR1', '--batch', `${job}_${task}`);
            } catch {
              // It went between the look and the call; another one will do.
              return false;
            }
            limited = task;
            return true;
          }),
      120,
    );
    await waitUntil('the queue is empty', () => inQueue().length === 0, 240);
    expect((await status()).tasks.filter(({ state }) => state === 'lost').map(({ task }) => task)).toEqual([
      killed,
    ]);
    await ok('slurm', 'resubmit-missing', 'split');
    await waitUntil('the queue is empty', () => inQueue().length === 0, 120);
    expect((await status()).tasks.map(({ state }) => state)).toEqual(Array<string>(TASKS).fill('complete'));
    expect(await ok('slurm', 'resubmit-missing', 'split')).toContain('Nothing to queue');
    expect(readFileSync(join(shared(), 'logs', `task-${limited}.log`), 'utf8')).toContain(
      'goes back into the queue',
    );
    await ok('slurm', 'collect', 'split');
    const merged = curvesOf(store());
    expect(await ok('slurm', 'collect', 'split')).toContain('48 of 48 cells');
    expect(curvesOf(store())).toEqual(merged);

    const alone = await surge(['resume', 'split', '--store', local, '--threads', '1']);
    expect(alone.code).toBe(0);
    expect(curvesOf(local)).toEqual(merged);
    expect(stacksOf(store()).map(({ state, host }) => [state, host !== ''])).toEqual(
      Array.from({ length: TASKS }, () => ['finished', true]),
    );
  }, 600_000);

  it('cancels, and says clearly what is wrong', async () => {
    const file = folder.file('refused.yaml');
    const points = folder.file('points.csv');
    writeFileSync(points, `x,label\n${Array.from({ length: 40 }, (_, i) => `${i},${i % 2}`).join('\n')}\n`);
    writeExperiment(file, {
      name: 'refused',
      workload: { kind: 'mlp', hidden: [2], data: { source: 'csv', file: points, label: 'label' } },
      evaluation: { examples: 8 },
      optimizer: { kind: 'sign' },
      learningRates: { list: [0.1] },
      batchSizes: { list: [1] },
      length: { steps: 4 },
    });
    const other = { ...environment(), SURGE_STORE: folder.file('other.surge') };
    const place = folder.file('refused-cluster');
    const refused = await surge(
      ['slurm', 'submit', file, '--folder', place, '--partition', 'nowhere', '--stage', folder.file('stage')],
      other,
    );
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('sbatch refused');
    expect(refused.stderr).toContain('partition');
    // The folder is there, and nothing was submitted: the tasks can be queued once the script is right.
    const script = join(place, 'job.sh');
    writeFileSync(script, readFileSync(script, 'utf8').replace('nowhere', 'main'));
    cluster.run('scontrol', 'update', 'NodeName=localhost', 'State=DRAIN', 'Reason=test');
    expect((await surge(['slurm', 'resubmit-missing', 'refused'], other)).code).toBe(0);
    expect(inQueue()).toHaveLength(1);
    expect((await surge(['slurm', 'cancel', 'refused'], other)).code).toBe(0);
    await waitUntil('the queue is empty', () => inQueue().length === 0);
    cluster.run('scontrol', 'update', 'NodeName=localhost', 'State=RESUME');

    // On the node's own disk: engine, data and store are there while the task trains, and the store comes back.
    expect((await surge(['slurm', 'resubmit-missing', 'refused'], other)).code).toBe(0);
    await waitUntil('the queue is empty', () => inQueue().length === 0, 120);
    const collected = await surge(['slurm', 'collect', 'refused'], other);
    expect(collected.stdout).toContain('1 of 1 cell.');
    const staged = readdirSync(folder.file('stage'));
    expect(staged.some((name) => name.startsWith('surge-lab-engine-'))).toBe(true);
    const data = staged.find((name) => /^surge-lab-data-\d+$/.test(name)) ?? '';
    const copies = readdirSync(join(folder.file('stage'), data), { recursive: true }).map(String);
    expect(copies.filter((name) => name.endsWith('points.csv'))).toHaveLength(1);
    expect(staged.filter((name) => name.includes('task-0'))).toEqual([]);

    const absent = await surge(['slurm', 'cancel', 'refused'], { ...other, PATH: '/nonexistent' });
    expect(absent.code).toBe(2);
    expect(absent.stderr).toContain('There is no scancel on this machine');

    const frozen = join(place, 'sweep.json');
    writeFileSync(frozen, readFileSync(frozen, 'utf8').replace('"steps": 4', '"steps": 5'));
    const edited = await surge(
      ['slurm', 'task', place, '--task', '0', '--store', folder.file('x.surge')],
      other,
    );
    expect(edited.code).toBe(2);
    expect(edited.stderr).toContain('edited after it was handed out');
    expect(existsSync(folder.file('x.surge'))).toBe(false);
  }, 180_000);
});
