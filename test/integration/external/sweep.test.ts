/** A sweep of somebody's own program: 4 batch sizes × 5 learning rates × 2 seeds, with everything that can go wrong. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import { openStoreReadOnly } from '#main/lab/store/index.ts';
import type { Cell } from '#main/lab/store/types.ts';
import {
  spoolEvents,
  stacksOf,
  startSurge,
  surge,
  surgeJson,
  temporaryFolder,
  waitUntil,
  writeExperiment,
} from '../../support/cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

/**
 * Gradient descent on x². One cell diverges; one waits to be killed, one hangs with a child that leaves its group and
 * ignores SIGTERM: both only the first time.
 */
const SCRIPT = `
import json, os, pathlib, subprocess, sys, time
rate, batch, seed, steps = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
here = pathlib.Path('.')
cell = (rate, batch, seed)

def once(name):
    if (here / name).exists():
        return False
    (here / name).write_text(str(os.getpid()))
    return True

x = 1 + 0.1 * seed
print('a line that is no result', file=sys.stderr)
print('{"epoch": 1}')
for step in range(1, steps + 1):
    loss = x * x
    if cell == (1.0, 1, 0) and step > 7:
        loss = float('nan')
    print(json.dumps({'step': step, 'loss': loss}))
    x -= rate * x / 2
    if step in (1, 2, 5, 10, 20):
        print(json.dumps({'step': step, 'evaluationLoss': x * x + 1 / batch, 'evaluationAccuracy': 0.5}))
    if cell == (0.1, 2, 1) and step == 4 and once('waits'):
        time.sleep(1000)
    if cell == (0.01, 4, 0) and step == 6 and once('hangs'):
        stubborn = 'trap "" TERM; while true; do sleep 1; done'
        child = subprocess.Popen(['sh', '-c', stubborn], start_new_session=True)
        (here / 'child').write_text(str(child.pid))
        time.sleep(1000)
`;

const specification: SpecificationInput = {
  name: 'my own program',
  workload: {
    kind: 'external',
    command: ['python3', 'train.py', '{learningRate}', '{batchSize}', '{seed}', '{steps}'],
    silenceLimit: 10,
    timeLimit: 90,
    parallel: 2,
  },
  optimizer: { kind: 'external', name: 'gradient descent' },
  learningRates: { list: [1e-3, 1e-2, 0.1, 0.3, 1] },
  batchSizes: { list: [1, 2, 4, 8] },
  seeds: 2,
  length: { steps: 20 },
};

function cells(file: string): Cell[] {
  const store = openStoreReadOnly(file);
  try {
    return store.cells(store.experiments()[0].id);
  } finally {
    store.close();
  }
}

function cellAt(file: string, learningRate: number, batchSize: number, seed: number): Cell {
  return cells(file).find(
    ({ configuration: c }) => c.learningRate === learningRate && c.batchSize === batchSize && c.seed === seed,
  )!;
}

const pidIn = (name: string) => Number(readFileSync(folder.file(name), 'utf8'));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Processes of any program of this sweep. */
function programs(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`SURGE_OUTPUT=${folder.path}`);
    } catch {
      return false;
    }
  });
}

test('every cell gets its state, and the next run completes only what is missing', async () => {
  const store = folder.file('sweep.surge');
  const file = folder.file('sweep.yaml');
  writeFileSync(folder.file('train.py'), SCRIPT);
  writeExperiment(file, specification);
  const lab = startSurge(['run', file, '--store', store, '--json']);
  const waits = folder.file('waits');
  await waitUntil(
    'a program waits to be killed',
    () => (existsSync(waits) && pidIn('waits') > 0) || lab.child.exitCode !== null,
  );
  expect(lab.child.exitCode).toBeNull();
  process.kill(pidIn('waits'), 'SIGKILL');
  const { code, stdout, stderr } = await lab.finished;
  expect(code, stderr).toBe(4);
  expect(JSON.parse(stdout)).toMatchObject({
    experiments: [{ end: 'failures', counts: { done: 37, diverged: 1, interrupted: 1, failed: 1 } }],
  });

  expect(cellAt(store, 1, 1, 0)).toMatchObject({
    state: 'diverged',
    divergedAt: 8,
    reason: 'loss was not finite at step 8',
  });
  expect(cellAt(store, 0.1, 2, 1)).toMatchObject({
    state: 'interrupted',
    reason: 'the program was killed from outside (SIGKILL) at step 4 of 20',
  });
  const hanging = cellAt(store, 0.01, 4, 0);
  expect(hanging.state).toBe('failed');
  expect(hanging.reason).toMatch(/^gave no sign of life for 10 s \(silence limit\), at step 6 of 20/);
  expect(isAlive(pidIn('hangs'))).toBe(false);
  expect(isAlive(pidIn('child')), 'a child that left the process group and ignores SIGTERM').toBe(false);
  expect(programs()).toEqual([]);
  expect(readFileSync(`${store}.spool/stack-${hanging.stack}.log`, 'utf8')).toContain(
    'a line that is no result',
  );

  const started = () => spoolEvents(store).reduce((sum, { starts }) => sum + starts, 0);
  expect(started()).toBe(40);
  const again = await surgeJson(['run', file, '--store', store]);
  expect(again.code, again.stderr).toBe(4);
  expect(again.value).toMatchObject({ experiments: [{ counts: { done: 38, diverged: 1, failed: 1 } }] });
  expect(started()).toBe(41);

  const retried = await surgeJson(['resume', '--failed', '--store', store]);
  expect(retried.code, retried.stderr).toBe(0);
  expect(retried.value).toMatchObject({
    experiments: [{ end: 'complete', counts: { done: 39, diverged: 1 } }],
  });
  // The failed cell was planned anew; its old spool went with its old stack.
  expect(started()).toBe(41);
  expect(programs()).toEqual([]);

  const reader = openStoreReadOnly(store);
  const [{ id }] = reader.experiments();
  const evaluation = reader.curveSet(id, 'evaluationLoss');
  const training = reader.curveSet(id, 'trainingLoss');
  reader.close();
  expect(evaluation.marks[0]).toEqual([1, 2, 5, 10, 20]);
  const at = (curves: typeof training, batch: number, rate: number, seed: number) => {
    const cell = (batch * 5 + rate) * 2 + seed;
    return {
      recorded: curves.recorded[cell],
      values: curves.values.slice(cell * curves.stride, cell * curves.stride + curves.recorded[cell]),
    };
  };
  // x after s steps is x₀ (1 − rate/2)^s; the training loss is that before the step.
  const x = (steps: number) => 1.1 * (1 - 0.1 / 2) ** steps;
  const cell = at(training, 1, 2, 1);
  expect(cell.recorded).toBe(20);
  cell.values.forEach((loss, i) => expect(loss).toBeCloseTo(x(i) ** 2, 6));
  const marks = [1, 2, 5, 10, 20];
  at(evaluation, 1, 2, 1).values.forEach((loss, i) => expect(loss).toBeCloseTo(x(marks[i]) ** 2 + 0.5, 6));
  const diverged = at(training, 0, 4, 0);
  expect(diverged.recorded).toBe(8);
  expect(diverged.values[7]).toBeNaN();

  // The rest of the lab takes it like any other sweep.
  const ridge = await surge(['ridge', 'my own program', '--store', store, '--step', '20']);
  expect(ridge.code, ridge.stderr).toBe(0);
  const exported = await surge(['export', 'my own program', '--store', store, '--out', folder.file('data')]);
  expect(exported.code, exported.stderr).toBe(0);

  // Another script is another cell; limits are not.
  writeExperiment(file, { ...specification, workload: { ...external(), timeLimit: 80, parallel: 1 } });
  const limits = await surgeJson(['run', file, '--store', store]);
  expect(limits.value).toMatchObject({ experiments: [{ end: 'complete', counts: { done: 39 } }] });
  expect(started()).toBe(41);
  writeFileSync(folder.file('train.py'), `${SCRIPT}\n# changed\n`);
  writeExperiment(file, { ...specification, batchSizes: { list: [1] }, learningRates: { list: [0.1] } });
  const changed = await surgeJson(['run', file, '--store', store]);
  expect(changed.code, changed.stderr).toBe(0);
  expect(started()).toBe(43);
});

function external() {
  const { workload } = specification;
  if (workload.kind !== 'external') throw new Error('another workload');
  return workload;
}

test('killed labs and killed trainers leave no program behind', async () => {
  const store = folder.file('killed.surge');
  const file = folder.file('killed.yaml');
  // It takes a minute, and no time once there is a file "quick"; it goes on when nobody reads what it says any more.
  const patient =
    'trap "" PIPE; echo $$ >> pids; i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo "{\\"step\\":$i,\\"evaluationLoss\\":1}"; [ -e quick ] || sleep 0.3; done';
  writeExperiment(file, {
    ...specification,
    name: 'killed',
    workload: { kind: 'external', command: [patient], shell: true },
    learningRates: { list: [0.1] },
    batchSizes: { list: [1] },
    seeds: 1,
    length: { steps: 200 },
  });
  const pids = () =>
    existsSync(folder.file('pids'))
      ? (readFileSync(folder.file('pids'), 'utf8').match(/\d+(?=\n)/g) ?? []).map(Number)
      : [];
  /** The trainer whose program has just been seen, once the store knows it too. */
  const trainer = async () => {
    const known = () => stacksOf(store)[0]?.process?.pid ?? 0;
    await waitUntil('the store knows the trainer', () => known() > 0 && isAlive(known()));
    return known();
  };

  // The trainer alone: its program ends with it, and the lab starts both again.
  let lab = startSurge(['run', file, '--store', store, '--json']);
  await waitUntil('the program runs', () => pids().length === 1);
  process.kill(await trainer(), 'SIGKILL');
  await waitUntil('it runs again', () => pids().length === 2 || lab.child.exitCode !== null);
  expect(isAlive(pids()[0])).toBe(false);

  // The lab alone: the trainer notices.
  lab.child.kill('SIGKILL');
  await lab.finished;
  await waitUntil('the program is gone', () => !isAlive(pids()[1]));

  // Both: the next lab ends what they left.
  lab = startSurge(['run', file, '--store', store, '--json']);
  await waitUntil('the program runs', () => pids().length === 3);
  const orphanMaker = await trainer();
  // Frozen, it cannot see that its lab is gone, and end the program itself.
  process.kill(orphanMaker, 'SIGSTOP');
  lab.child.kill('SIGKILL');
  process.kill(orphanMaker, 'SIGKILL');
  await lab.finished;
  expect(isAlive(pids()[2])).toBe(true);
  lab = startSurge(['run', file, '--store', store, '--json']);
  await waitUntil('the program runs again', () => pids().length === 4);
  expect(isAlive(pids()[2])).toBe(false);

  // Asked: the program is ended, and the cell waits.
  lab.child.kill('SIGINT');
  expect((await lab.finished).code).toBe(3);
  expect(isAlive(pids()[3])).toBe(false);
  expect(cells(store)[0]).toMatchObject({
    state: 'interrupted',
    reason: 'stopped; its program starts again from the beginning',
  });
  writeFileSync(folder.file('quick'), '');
  const last = await surgeJson(['resume', 'killed', '--store', store]);
  expect(last.value).toMatchObject({ experiments: [{ end: 'complete', counts: { done: 1 } }] });
  expect(programs()).toEqual([]);
});
