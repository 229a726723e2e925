/** One trainer a device: here the devices are names, and what they stand for is a share of the CPU's threads. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { openStoreReadOnly } from '#main/lab/store/index.ts';
import {
  curvesOf,
  stacksOf,
  startSurge,
  surge,
  temporaryFolder,
  waitUntil,
  writeExperiment,
} from '../../support/cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** What CUDA would show a process; null when it is gone already, '' when the variable is not set. */
function deviceOf(pid: number): string | null {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return environment.find((entry) => entry.startsWith('CUDA_VISIBLE_DEVICES='))?.split('=')[1] ?? '';
  } catch {
    return null;
  }
}

test('trainers at the same time have different devices, and the numbers are those of one', async ({
  skip,
}) => {
  if (process.platform !== 'linux') return skip('the environment of a process is read from /proc');
  const file = folder.file('devices.yaml');
  writeExperiment(file, {
    name: 'devices',
    workload: {
      kind: 'quadratic',
      mu: [1, 0.5],
      sigma: [1, 1],
      hessian: [
        [1, 0],
        [0, 1],
      ],
    },
    optimizer: { kind: 'sign' },
    learningRates: { list: [0.01, 0.02, 0.05, 0.1] },
    batchSizes: { list: [1, 2, 4, 8] },
    length: { steps: 20_000 },
    recordTrainingLoss: false,
  });
  const several = folder.file('several.surge');
  const options = ['--threads', '1', '--cells-per-stack', '4', '--json'];
  const lab = startSurge(['run', file, '--store', several, '--devices', 'left,right', ...options]);
  const seen = new Map<number, string>();
  let most = 0;
  await waitUntil(
    'the run ends',
    () => {
      const running = stacksOf(several).flatMap(({ state, process: trainer }) => {
        const device = state === 'running' && trainer !== null ? deviceOf(trainer.pid) : null;
        return device === null ? [] : [{ pid: trainer!.pid, device }];
      });
      for (const { pid, device } of running) seen.set(pid, device);
      const devices = running.map(({ device }) => device);
      expect(new Set(devices).size, devices.join()).toBe(devices.length);
      most = Math.max(most, devices.length);
      return lab.child.exitCode !== null;
    },
    150,
  );
  const { code, stderr } = await lab.finished;
  expect(code, stderr).toBe(0);
  expect(most).toBe(2);
  expect(new Set(seen.values())).toEqual(new Set(['left', 'right']));
  const reader = openStoreReadOnly(several);
  const [{ id }] = reader.experiments();
  const threads = reader.stacks(id).map(({ engine }) => engine?.threads);
  reader.close();
  expect(threads).toEqual([1, 1, 1, 1]);

  const one = folder.file('one.surge');
  const alone = await surge(['run', file, '--store', one, '--trainers', '1', ...options]);
  expect(alone.code, alone.stderr).toBe(0);
  expect(curvesOf(several)).toEqual(curvesOf(one));
});
