/** Stores that cannot be used: the message names the file and the way out, the exit code is 5, nothing is lost. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import SqliteDatabase from 'better-sqlite3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import {
  curvesOf,
  stacksOf,
  startSurge,
  surge,
  surgeJson,
  temporaryFolder,
  waitUntil,
  writeExperiment,
  type Finished,
} from '../../support/cli.ts';

const STORE = 5;
const specification: SpecificationInput = {
  name: 'kept',
  workload: { kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] },
  optimizer: { kind: 'sign' },
  learningRates: { log: { from: 0.01, to: 1, perDecade: 4 } },
  batchSizes: { list: [1, 4] },
  seeds: 4,
  length: { steps: 300 },
};
const training = ['--trainers', '2', '--threads', '1'];
const folder = temporaryFolder();
const file = folder.file('experiment.yaml');
const sound = folder.file('sound.surge');
let store = '';
let number = 0;

beforeAll(async () => {
  writeExperiment(file, specification);
  const { code, stderr } = await surge(['run', file, '--store', sound, ...training]);
  expect(code, stderr).toBe(0);
});
beforeEach(() => {
  store = folder.file(`store-${number++}.surge`);
});
afterAll(() => folder.remove());

function copyOfSound(): void {
  copyFileSync(sound, store);
  cpSync(`${sound}.spool`, `${store}.spool`, { recursive: true });
}

const digest = (name: string): string => createHash('sha256').update(readFileSync(name)).digest('hex');

function refused({ code, stdout, stderr }: Finished, wayOut: RegExp): void {
  expect(stderr).toContain(store);
  expect(stderr).toMatch(wayOut);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stdout).toBe('');
  expect(code).toBe(STORE);
}

describe('a store that', () => {
  test('does not exist is not made by a command that needs one', async () => {
    for (const command of [
      ['list'],
      ['status', 'x'],
      ['resume'],
      ['pause', 'x'],
      ['delete', 'x', '--yes'],
      ['archive', 'x'],
    ])
      refused(await surge([...command, '--store', store]), /There is no store at .*Name one with --store/);
    expect(readdirSync(folder.path).filter((name) => store.endsWith(name))).toEqual([]);
    expect(existsSync(`${store}-lock`)).toBe(false);
  });

  test('is another kind of file stays as it is', async () => {
    store = file;
    const before = digest(store);
    for (const command of [['list'], ['run', file, ...training]])
      refused(
        await surge([...command, '--store', store]),
        /not an SQLite database.*choose another file with --store/,
      );
    expect(digest(store)).toBe(before);
  });

  test('comes from the future stays as it is', async () => {
    copyOfSound();
    const database = new SqliteDatabase(store);
    database.pragma('journal_mode = DELETE');
    database.pragma('user_version = 9999');
    database.close();
    const before = digest(store);
    refused(await surge(['run', file, '--store', store, ...training]), /newer Surge Lab.*Update Surge Lab/);
    expect(digest(store)).toBe(before);
  });

  test('is written by another process is refused, naming that process; reading works meanwhile', async () => {
    const long = folder.file('long.yaml');
    writeExperiment(long, {
      ...specification,
      name: 'long',
      workload: { kind: 'mlp', hidden: [4] },
      length: { steps: 50_000 },
    });
    const lab = startSurge(['run', long, '--store', store, ...training]);
    await waitUntil('the sweep runs', () => stacksOf(store).some((s) => s.state === 'running'));
    const second = await surge(['run', file, '--store', store, ...training]);
    refused(second, /is being written by process \d+, since .*stop the other one, or use another store/);
    expect(second.stderr).toContain(`process ${lab.child.pid}`);
    const { code, value } = await surgeJson(['status', 'long', '--store', store]);
    expect(code).toBe(0);
    expect(value).toMatchObject({ state: 'running' });
    lab.child.kill('SIGINT');
    expect((await lab.finished).code).toBe(3);
  });

  test('is damaged is left as it is and can be rebuilt: the same ridge before and after', async () => {
    copyOfSound();
    const ridge = async () => (await surgeJson(['ridge', 'kept', '--store', store])).value;
    const before = await ridge();
    const handle = openSync(store, 'r+');
    const size = statSync(store).size;
    for (let at = 8192; at < size; at += 8192) writeSync(handle, Buffer.alloc(64, 0xa5), 0, 64, at);
    closeSync(handle);
    const damaged = digest(store);

    refused(await surge(['run', file, '--store', store, ...training]), /is damaged .*surge doctor --rebuild/);
    const doctor = await surgeJson(['doctor', '--store', store]);
    expect(doctor.code).toBe(STORE);
    expect(doctor.value).toMatchObject({ store: { ok: false, file: store } });
    expect(digest(store)).toBe(damaged);

    const rebuilt = await surgeJson(['doctor', '--rebuild', '--store', store]);
    expect(rebuilt.code, rebuilt.stderr).toBe(0);
    expect(rebuilt.value).toMatchObject({ store, experiments: 1, skipped: 0 });
    const { kept } = rebuilt.value as { kept: string };
    expect(digest(kept)).toBe(damaged);
    expect(await ridge()).toEqual(before);
    expect(curvesOf(store)).toEqual(curvesOf(sound));
    expect((await surge(['doctor', '--store', store])).stdout).toContain(`${store}: sound, 1 experiment.`);
  });

  test('has lost its database comes back from its spool', async () => {
    copyOfSound();
    rmSync(store);
    const { code, stderr } = await surge(['resume', '--store', store, ...training]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('Nothing to resume');
    expect(curvesOf(store)).toEqual(curvesOf(sound));
  });
});

describe('a folder that cannot be written', () => {
  test.skipIf(userInfo().uid === 0)(
    'skipped as root, who may write everywhere: the message names the store',
    async () => {
      const locked = folder.file('read-only');
      mkdirSync(locked);
      chmodSync(locked, 0o555);
      store = `${locked}/lab.surge`;
      refused(await surge(['run', file, '--store', store, ...training]), /Choose another place with --store/);
      chmodSync(locked, 0o755);
    },
  );

  test('is no folder at all', async () => {
    store = `${file}/lab.surge`;
    refused(await surge(['run', file, '--store', store, ...training]), /Choose another place with --store/);
  });

  test('for exports and figures', async () => {
    for (const command of ['export', 'figure']) {
      const { code, stderr } = await surge([command, 'kept', '--out', `${file}/x`, '--store', sound]);
      expect(stderr).toMatch(/^--out .*experiment\.yaml\/x: .*name a folder\.\n$/);
      expect(code).toBe(2);
    }
  });
});

const mayMount = userInfo().uid === 0 && process.platform === 'linux' && canMount();

function canMount(): boolean {
  const at = folder.file('mount-probe');
  mkdirSync(at);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at], { stdio: 'ignore' });
    execFileSync('umount', [at]);
    return true;
  } catch {
    return false;
  }
}

describe('a small disk', () => {
  const disk = folder.file('disk');

  function onDisk(size: string, body: () => Promise<void>): () => Promise<void> {
    return async () => {
      mkdirSync(disk, { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk]);
      try {
        store = `${disk}/lab.surge`;
        await body();
      } finally {
        execFileSync('umount', ['-l', disk]);
      }
    };
  }

  function fill(): string {
    const filler = `${disk}/filler`;
    try {
      execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'], { stdio: 'ignore' });
    } catch {
      // dd ends with an error when the disk is full, as it should be.
    }
    return filler;
  }

  if (!mayMount) test.skip('skipped: only root can mount a small disk', () => undefined);
  else {
    test(
      'without room for a sweep holds it before it starts',
      onDisk('3m', async () => {
        const { code, stdout, stderr } = await surge(['run', file, '--store', store, ...training]);
        expect(code, stderr).toBe(3);
        expect(stdout).toContain('the disk with the store has less than 64 MB left');
        expect(stdout).toContain('surge resume');
      }),
    );

    test(
      'that is full refuses a new store',
      onDisk('3m', async () => {
        fill();
        refused(await surge(['run', file, '--store', store, ...training]), /full.*free some space/);
      }),
    );

    test(
      'that fills up while training holds the sweep; with room again it ends with the same numbers',
      onDisk('120m', async () => {
        const long = folder.file('filling.yaml');
        writeExperiment(long, {
          ...specification,
          workload: { kind: 'mlp', hidden: [4] },
          learningRates: { list: [0.001, 0.003, 0.01] },
          seeds: 2,
          length: { steps: 20_000 },
        });
        const options = ['--trainers', '1', '--threads', '1', '--checkpoint-seconds', '0.3'];
        const undisturbed = folder.file('filling-undisturbed.surge');
        expect((await surge(['run', long, '--store', undisturbed, ...options])).code).toBe(0);
        const lab = startSurge(['run', long, '--store', store, ...options]);
        await waitUntil(
          'a stack is trained',
          () => stacksOf(store).some((s) => s.stepsDone > 0) || lab.child.exitCode !== null,
        );
        const filler = fill();
        const held = await lab.finished;
        expect([3, STORE], held.stdout + held.stderr).toContain(held.code);
        // Found by a write, or by the look at the free space before one.
        expect(held.stdout + held.stderr).toMatch(/disk.*(full|less than 64 MB left)/);
        expect(held.stderr).not.toMatch(/\n\s+at /);
        rmSync(filler);
        const resumed = await surge(['resume', '--store', store, ...options]);
        expect(resumed.code, resumed.stderr).toBe(0);
        expect(curvesOf(store)).toEqual(curvesOf(undisturbed));
      }),
    );
  }
});
