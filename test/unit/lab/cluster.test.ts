/** Slurm behind the window's calls: programs with its names stand for the cluster, and the test trains the tasks. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallArgument, CallName, CallResult } from '#shared/api/contract.ts';
import { cellStates } from '#shared/experiment/stack.ts';
import { dispatch } from '#main/lab/api/dispatch.ts';
import { createHandlers } from '#main/lab/api/handlers.ts';
import type { Session } from '#main/lab/api/session.ts';
import { Lab } from '#main/lab/lab.ts';
import { readSweep, shardStore } from '#main/lab/slurm/sweep-folder.ts';
import { openStore } from '#main/lab/store/index.ts';
import { LiveCurves } from '#renderer/watch/model/live-curves.ts';
import { fakeSlurm, type FakeSlurm } from '../../support/fake-slurm.ts';
import { createLarge, type LargeGrid } from '../../support/large-store.ts';
import { trainTask, writeLog } from '../../support/slurm-task.ts';
import { removeTemporaryFoldersAfterEach, temporaryFolder } from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

const GRID: LargeGrid = { name: 'on a cluster', batchSizes: 3, learningRates: 12, seeds: 2, marks: 20 };
const PATIENCE = { timeout: 60_000, interval: 20 };
/** Waits for states, not for times: a busy machine takes longer. */
const LONG = 180_000;

let folder: string;
let slurm: FakeSlurm;
let lab: Lab;
let session: Session;
let key: string;
beforeEach(async () => {
  folder = temporaryFolder();
  slurm = fakeSlurm(join(folder, 'programs'));
  vi.stubEnv('PATH', slurm.path);
  vi.stubEnv('SURGE_SLURM_TEMPLATES', join(folder, 'templates'));
  slurm.answer('sbatch', '77\n');
  lab = await Lab.open({
    file: join(folder, 'lab.surge'),
    settingsFile: join(folder, 'settings.json'),
    version: 'test',
    slurmSeconds: 0.05,
  });
  session = lab.openSession(() => undefined);
  key = createLarge(lab.writer(), GRID).experiment.key;
});
afterEach(async () => {
  lab.closeSession(session);
  await lab.close();
  vi.unstubAllEnvs();
});

/** What a window gets; a refusal is thrown. */
async function call<Name extends CallName>(
  name: Name,
  argument: CallArgument<Name>,
): Promise<CallResult<Name>> {
  const storeFile = lab.options.file;
  const outcome = await dispatch(createHandlers(lab, session), name, argument, { storeFile });
  if (outcome.ok) return outcome.result as CallResult<Name>;
  throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
}
const options = (): CallArgument<'slurm.submit'> => ({
  experiment: key,
  folder: join(folder, 'sweeps'),
  stacksPerTask: 1,
  cellsPerStack: 24,
  threads: 1,
  partition: 'gpu',
  time: '01:00:00',
  arrayLimit: 2,
});
const place = () => join(folder, 'sweeps', `on-a-cluster-${key}`);
const card = () => lab.card(lab.find(key));
const summary = () => lab.queueState().slurm[0];

const train = (task: number, from: number, to: number) => trainTask(place(), task, from, to);

describe('an experiment on Slurm', () => {
  it(
    'is submitted with the chosen options, followed while its tasks train, and complete at the end',
    async () => {
      expect(await call('slurm.about', undefined)).toEqual({
        available: true,
        templates: ['job'],
        folder: join(folder, 'slurm'),
      });
      slurm.answer('squeue', '77|0|PENDING||Resources\n77|1|PENDING||Resources\n77|2|PENDING||Resources\n');
      expect(await call('slurm.submit', options())).toEqual({ job: '77', tasks: 3 });
      expect(slurm.calls('sbatch')).toEqual([`--parsable --array=0-2%2 ${join(place(), 'job.sh')}`]);
      const script = readFileSync(join(place(), 'job.sh'), 'utf8');
      expect(script).toContain('#SBATCH --partition=gpu\n#SBATCH --time=01:00:00\n');
      expect(card()).toMatchObject({ state: 'slurm' });
      await vi.waitFor(async () => {
        expect(summary()).toMatchObject({ tasks: 3, waiting: 3, running: 0 });
        expect((await call('slurm.state', { experiment: key }))?.tasks[0].reason).toBe('Resources');
      }, PATIENCE);

      const watch = session.openWatch(key, 'evaluationLoss', undefined)!;
      const live = new LiveCurves({ ...watch, values: watch.values.slice(), states: watch.states.slice() });
      const running = cellStates.indexOf('running');
      slurm.answer('squeue', '77|0|RUNNING|n1|None\n77|1|PENDING||Resources\n77|2|PENDING||Resources\n');
      train(0, 0, 8);
      await vi.waitFor(() => {
        for (let news = session.take(); news !== null; news = session.take())
          if (news.name === 'watch.delta') live.apply(news.payload);
        expect(summary()).toMatchObject({ running: 1, waiting: 2, runSteps: 72 * 20, runStepsDone: 24 * 8 });
        // The cells of one batch size train, and their marks are there.
        expect(live.states.filter((state) => state === running)).toHaveLength(24);
        expect(live.curves.recorded.filter((marks) => marks === 8)).toHaveLength(24);
      }, PATIENCE);
      expect(card().reason).toBe('0 of 3 tasks complete, 1 running, 2 waiting');
      const detail = await call('cells.detail', { experiment: key, cell: live.states.indexOf(running) });
      expect(detail.slurm).toMatchObject({ task: 0, state: 'running', node: 'n1' });
      expect(detail.provenance).toContainEqual(['Machine', 'here']);

      slurm.answer('squeue', '');
      train(0, 8, 20);
      train(1, 0, 20);
      train(2, 0, 20);
      await vi.waitFor(() => expect(card()).toMatchObject({ state: 'complete', reason: '' }), PATIENCE);
      expect(lab.store.experiment(key)).toMatchObject({ hold: null, counts: { done: 72 } });
      await vi.waitFor(() => expect(lab.queueState().slurm).toEqual([]), PATIENCE);
      expect(await call('slurm.state', { experiment: key })).toBeNull();
    },
    LONG,
  );

  it(
    'says on which node a task was lost and how its log ends, queues it again, and trains nothing twice',
    async () => {
      slurm.answer('squeue', '77|1|RUNNING|n2|None\n77|2|PENDING||Priority\n');
      slurm.answer('sacct', '77_0|OUT_OF_MEMORY|n5\n77_1|RUNNING|n2\n77_2|PENDING|\n');
      await call('slurm.submit', options());
      train(0, 0, 8);
      writeLog(
        place(),
        0,
        'task 0 on n5, job 78, now',
        'loading',
        'slurmstepd: error: Detected 1 oom_kill event',
      );
      await vi.waitFor(() => expect(summary()).toMatchObject({ failed: 1, running: 1 }), PATIENCE);
      const [failure] = summary().failures;
      expect(failure).toMatchObject({ task: 0, state: 'lost', node: 'n5' });
      expect(failure.reason).toBe('OUT_OF_MEMORY: slurmstepd: error: Detected 1 oom_kill event');
      expect(failure.log).toContain('loading\nslurmstepd');
      expect(card().reason).toContain('1 lost or failed (task 0 on n5: OUT_OF_MEMORY');
      // Its cells say so too, once its store was merged.
      await vi.waitFor(async () => {
        const cells = lab.store.cells(lab.find(key).id);
        const stack = readSweep(place()).tasks[0][0].key;
        const at = cells.findIndex((cell) => cell.stack === stack);
        const detail = await call('cells.detail', { experiment: key, cell: at });
        expect(detail.slurm).toMatchObject({ task: 0, node: 'n5', log: failure.log });
      }, PATIENCE);

      // A site without accounting: the log itself says where it ran.
      slurm.refuse('sacct', 'Slurm accounting storage is disabled');
      await vi.waitFor(
        () => expect(summary().failures[0].reason).toBe('slurmstepd: error: Detected 1 oom_kill event'),
        PATIENCE,
      );
      expect(summary().failures[0].node).toBe('n5');

      for (const refused of [
        call('training.start', { experiment: key }),
        call('training.pause', { experiment: key }),
        call('training.rerunFailed', { experiment: key }),
        call('experiments.delete', { experiment: key }),
        call('slurm.submit', options()),
      ])
        await expect(refused).rejects.toThrow('not-possible: "on a cluster" is on Slurm');
      slurm.answer('sbatch', '78\n');
      expect(await call('slurm.resubmit', { experiment: key })).toEqual({ tasks: 1 });
      expect(slurm.calls('sbatch').at(-1)).toContain('--array=0 ');
      expect((await call('slurm.state', { experiment: key }))?.jobs).toEqual(['77', '78']);

      slurm.refuse('scancel', 'scancel: error: Kill job error on job id 77: Invalid job id specified');
      expect(await call('slurm.cancel', { experiment: key })).toEqual({ jobs: ['77', '78'] });
      expect(slurm.calls('scancel')).toEqual(['77 78']);
      expect(card()).toMatchObject({ state: 'held' });
      expect(card().reason).toContain('were cancelled');
      // Handed out anew, it goes to a folder of its own.
      await call('slurm.submit', options());
      expect(existsSync(`${place()}-2`)).toBe(true);
    },
    LONG,
  );

  it(
    'that sbatch refuses, or that has nothing left, leaves nothing behind',
    async () => {
      slurm.refuse('sbatch', 'sbatch: error: invalid partition specified: nowhere');
      await expect(call('slurm.submit', options())).rejects.toThrow('invalid partition specified: nowhere');
      expect(existsSync(place())).toBe(false);
      expect(card()).toMatchObject({ state: 'waiting' });
      slurm.refuse('sbatch', null);
      await expect(call('slurm.submit', { ...options(), folder: join(folder, 'a b') })).rejects.toThrow(
        'without spaces',
      );
      await expect(call('slurm.submit', { ...options(), template: 'unknown' })).rejects.toThrow(
        'There is no template unknown',
      );
      const file = join(folder, 'a-file');
      writeFileSync(file, '');
      for (const impossible of [file, '/proc/nowhere'])
        await expect(call('slurm.submit', { ...options(), folder: impossible })).rejects.toThrow(
          /cannot be written \(\w+\): nothing was submitted/,
        );
      expect(card()).toMatchObject({ state: 'waiting' });
      vi.stubEnv('PATH', '/nonexistent');
      expect((await call('slurm.about', undefined)).available).toBe(false);
      await expect(call('slurm.submit', options())).rejects.toThrow('There is no sbatch');
      expect(card()).toMatchObject({ state: 'waiting' });
      expect(existsSync(place())).toBe(false);
    },
    LONG,
  );

  it(
    'tells when Slurm is silent, a task has another store, or the folder was edited',
    async () => {
      await call('slurm.submit', options());
      slurm.refuse('squeue', 'slurm_load_jobs error: Unable to contact slurm controller');
      await vi.waitFor(() => expect(summary().problem).toContain('Unable to contact'), PATIENCE);
      await expect(call('slurm.resubmit', { experiment: key })).rejects.toThrow('Unable to contact');
      slurm.refuse('squeue', null);
      await vi.waitFor(() => expect(summary().problem).toBe(''), PATIENCE);
      const stranger = openStore(shardStore(place(), 1));
      createLarge(stranger, { ...GRID, name: 'another' });
      stranger.close();
      await vi.waitFor(() => expect(summary().problem).toContain('a shard of another experiment'), PATIENCE);
      writeFileSync(shardStore(place(), 2), 'not a store');
      await vi.waitFor(() => expect(summary().problem).toContain('task 2'), PATIENCE);
      expect(lab.store.experiments()).toHaveLength(1);

      const file = join(place(), 'sweep.json');
      writeFileSync(file, readFileSync(file, 'utf8').replace('"steps": 20', '"steps": 21'));
      lab.cluster.clear();
      const state = await call('slurm.state', { experiment: key });
      expect(state?.problem).toContain('edited after it was handed out');
      expect(card().reason).toContain('edited after it was handed out');
      rmSync(place(), { recursive: true });
      lab.cluster.clear();
      expect((await call('slurm.state', { experiment: key }))?.problem).toContain('is missing');
      // The lab can have it back.
      expect(await call('slurm.cancel', { experiment: key })).toEqual({ jobs: [] });
      expect(card()).toMatchObject({ state: 'held' });
      expect(card().reason).toContain('no longer on Slurm');
    },
    LONG,
  );
});

describe('templates of a site', () => {
  it(
    'replace the one that comes with the product, or stand beside it',
    async () => {
      const templates = join(folder, 'templates');
      mkdirSync(templates);
      writeFileSync(join(templates, 'job.sh'), '#!/bin/bash\n# site {{name}}\n{{directives}}\n');
      writeFileSync(join(templates, 'containers.sh'), '#!/bin/bash\n# in a container {{folder}}\n');
      expect((await call('slurm.about', undefined)).templates).toEqual(['job', 'containers']);
      await call('slurm.submit', options());
      expect(readFileSync(join(place(), 'job.sh'), 'utf8')).toBe(
        `#!/bin/bash\n# site surge-${key}\n#SBATCH --partition=gpu\n#SBATCH --time=01:00:00\n`,
      );
      await call('slurm.cancel', { experiment: key });
      await call('slurm.submit', { ...options(), template: 'containers' });
      expect(readFileSync(join(`${place()}-2`, 'job.sh'), 'utf8')).toContain(`in a container ${place()}-2`);
      await call('slurm.cancel', { experiment: key });
      writeFileSync(join(templates, 'wrong.sh'), '{{unknown}}');
      await expect(call('slurm.submit', { ...options(), template: 'wrong' })).rejects.toThrow(
        'the template names {{unknown}}',
      );
      expect(existsSync(`${place()}-3`)).toBe(false);
    },
    LONG,
  );
});
