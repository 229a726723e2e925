/** Windows on a lab: several at once, slow ones, broken connections, other programs, disks that fill up. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeFrame, encodeFrame } from '#shared/api/codec.ts';
import type { WatchDelta, WatchSnapshot } from '#shared/api/types.ts';
import { openStore } from '#main/lab/store/index.ts';
import type { WebClient } from '#renderer/client/web-client.ts';
import { LiveCurves } from '#renderer/watch/model/live-curves.ts';
import { connectWindow, hostLab, openSocket, type Hosted } from '../../support/lab-host.ts';
import { createLarge, feed, type LargeGrid } from '../../support/large-store.ts';
import { expectEqual, truth, Watching } from '../../support/watching.ts';

/** For a machine with far too much to do. */
const PATIENCE = { timeout: 60_000, interval: 20 };

const SMALL: LargeGrid = { name: 'small', batchSizes: 3, learningRates: 12, seeds: 4, marks: 40 };

let folder: string;
const ends: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'surge-windows-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});

async function host(
  ...args: Parameters<typeof hostLab> extends [string, ...infer Rest] ? Rest : never
): Promise<Hosted> {
  const hosted = await hostLab(folder, ...args);
  ends.push(() => hosted.close());
  return hosted;
}

function windowOn(hosted: Pick<Hosted, 'socketUrl' | 'origin' | 'cookie'>): WebClient {
  const client = connectWindow(hosted);
  ends.push(() => client.close());
  return client;
}

describe('windows', () => {
  it('two at once see the same, and what one changes the other hears', async () => {
    const hosted = await host();
    const store = hosted.lab.writer();
    const { experiment, stacks } = createLarge(store, SMALL);
    const [one, two] = [windowOn(hosted), windowOn(hosted)];
    const heard = vi.fn();
    two.on('experiments.changed', heard);
    const [first, second] = [new Watching(one, experiment.key), new Watching(two, experiment.key)];
    await Promise.all([first.open(), second.open()]);
    for (const stack of stacks) feed(store, stack, 0, 20);
    await expectEqual(first, store, experiment.key);
    await expectEqual(second, store, experiment.key);
    for (const stack of stacks) feed(store, stack, 20, 40);
    await expectEqual(first, store, experiment.key);
    await expectEqual(second, store, experiment.key);
    expect([first.snapshots, second.snapshots]).toEqual([1, 1]);
    await one.call('experiments.annotate', { experiment: experiment.key, name: 'renamed', tags: ['a'] });
    await vi.waitFor(() => expect(heard).toHaveBeenCalledWith({ experiments: [experiment.key] }), PATIENCE);
    expect(await two.call('experiments.get', { experiment: experiment.key })).toMatchObject({
      name: 'renamed',
      tags: ['a'],
      state: 'complete',
    });
    const [card] = await two.call('experiments.list', { archived: false });
    expect(card.thumbnail?.batchSizes).toEqual(new Float64Array([1, 2, 3]));
    expect([...card.thumbnail!.learningRates].every((rate) => rate > 1e-4 && rate < 1e-1)).toBe(true);
  });

  it('that lose their connection come back to the difference, not to everything', async () => {
    const hosted = await host();
    const store = hosted.lab.writer();
    const { experiment, stacks } = createLarge(store, SMALL);
    const client = windowOn(hosted);
    const watching = new Watching(client, experiment.key);
    await watching.open();
    // A call that is never answered: only the broken connection can end it.
    const neverAnswered = vi.spyOn(hosted.lab, 'checkEngine').mockReturnValue(new Promise(() => undefined));
    const states: string[] = ['open'];
    client.onConnection((state) => states.push(state));
    for (let mark = 0; mark < 40; mark += 4) {
      for (const stack of stacks) feed(store, stack, mark, mark + 4);
      if (mark % 12 === 0) {
        // Neither has to have noticed the last break by now, nor be connected again.
        await vi.waitFor(() => expect(states.at(-1)).toBe('open'), PATIENCE);
        const pending = client.call('engine.check');
        const failed = expect(pending).rejects.toMatchObject({ code: 'disconnected' });
        await vi.waitFor(() => expect(neverAnswered).toHaveBeenCalledTimes(1 + mark / 12), PATIENCE);
        hosted.host.dropConnections();
        await failed;
        expect(states.at(-1)).toBe('lost');
        await expect(client.call('training.queue')).rejects.toMatchObject({ code: 'disconnected' });
      }
      // Some differences come while the connection is broken, some after it is there again.
      await wait(60);
    }
    expect(states.filter((state) => state === 'lost')).toHaveLength(4);
    await expectEqual(watching, store, experiment.key);
    expect(watching.snapshots).toBe(1);
  });

  it('survive a restart of the host on the same port, with a new snapshot', async () => {
    const hosted = await hostLab(folder);
    const { experiment, stacks } = createLarge(hosted.lab.writer(), SMALL);
    // The cookie of each start is its own, so a page that stays open has to be opened anew; its arrays do not care.
    const access = { socketUrl: hosted.socketUrl, origin: hosted.origin, cookie: hosted.cookie };
    const client = windowOn(access);
    const watching = new Watching(client, experiment.key);
    await watching.open();
    const { port } = hosted.host;
    await hosted.close();
    const store = openStore(join(folder, 'lab.surge'));
    for (const stack of stacks) feed(store, stack, 0, 40);
    store.close();
    const again = await host({}, port);
    access.cookie = again.cookie;
    await expectEqual(watching, again.lab.writer(), experiment.key);
    expect(watching.snapshots).toBe(2);
  });

  it('that read slowly get fewer, merged differences, and the host keeps nothing for them', async () => {
    const hosted = await host();
    const store = hosted.lab.writer();
    const grid = { ...SMALL, batchSizes: 12, learningRates: 24, seeds: 32, marks: 400 };
    const { experiment, stacks } = createLarge(store, grid);
    const quick = windowOn(hosted);
    const watching = new Watching(quick, experiment.key);
    await watching.open();

    const slow = openSocket(hosted);
    ends.push(() => slow.terminate());
    let live: LiveCurves | null = null;
    let deltas = 0;
    slow.on('message', (data: Buffer) => {
      const message = decodeFrame(data) as {
        type: string;
        name: string;
        payload: WatchDelta;
        result: WatchSnapshot;
      };
      if (message.type === 'result') live = new LiveCurves(message.result);
      else if (message.name === 'watch.delta') {
        deltas++;
        expect(live!.apply(message.payload)).toBe('applied');
      }
    });
    await new Promise((resolve) => slow.on('open', resolve));
    const argument = { experiment: experiment.key, metric: 'evaluationLoss' };
    slow.send(encodeFrame({ type: 'call', id: 0, name: 'watch.open', argument }));
    await vi.waitFor(() => expect(live).not.toBeNull(), PATIENCE);
    slow.pause();
    const before = process.memoryUsage().external + process.memoryUsage().arrayBuffers;
    for (let mark = 0; mark < grid.marks; mark += 5) {
      for (const stack of stacks) feed(store, stack, mark, mark + 5);
      // The host has looked and has told the quick one.
      const told = watching.deltas;
      if (mark % 20 === 0) await vi.waitFor(() => expect(watching.deltas).toBeGreaterThan(told), PATIENCE);
    }
    const kept = process.memoryUsage().external + process.memoryUsage().arrayBuffers - before;
    expect(kept).toBeLessThan(64 * 2 ** 20);
    slow.resume();
    const now = truth(store, experiment.key);
    await vi.waitFor(() => expect(live!.curves.recorded).toEqual(now.recorded), PATIENCE);
    expect(live!.curves.values).toEqual(now.values);
    await expectEqual(watching, store, experiment.key);
    expect(deltas).toBeLessThan(watching.deltas);
  });

  it('that end without a word are forgotten', async () => {
    const hosted = await host();
    for (let i = 0; i < 20; i++) {
      const socket = openSocket(hosted);
      await new Promise((resolve) => socket.on('open', resolve));
      socket.terminate();
    }
    await vi.waitFor(() => expect(hosted.host.connections).toBe(0), PATIENCE);
  });
});

describe('a store that another program writes', () => {
  it('is followed as it grows, says why nothing can be trained, and is taken over when it is free', async () => {
    const other = openStore(join(folder, 'lab.surge'));
    const { experiment, stacks } = createLarge(other, SMALL);
    const hosted = await host();
    const client = windowOn(hosted);
    const queue = await client.call('training.queue');
    expect(queue.canTrain).toBe(false);
    expect(queue.problem).toContain(`process ${process.pid}`);
    await expect(
      client.call('experiments.archive', { experiment: experiment.key, archived: true }),
    ).rejects.toMatchObject({
      code: 'read-only',
    });
    const changed = vi.fn();
    client.on('experiments.changed', changed);
    const watching = new Watching(client, experiment.key);
    await watching.open();
    for (const stack of stacks) feed(other, stack, 0, 24);
    await expectEqual(watching, other, experiment.key);
    expect(watching.snapshots).toBe(1);
    expect(changed).toHaveBeenCalled();
    other.close();
    await vi.waitFor(async () => expect((await client.call('training.queue')).canTrain).toBe(true), PATIENCE);
    await client.call('experiments.archive', { experiment: experiment.key, archived: true });
    for (const stack of stacks) feed(hosted.lab.writer(), stack, 24, 40);
    await expectEqual(watching, hosted.lab.writer(), experiment.key);
  });

  it('is only looked at with --read-only, and never taken', async () => {
    const writer = openStore(join(folder, 'lab.surge'));
    const { experiment, stacks } = createLarge(writer, SMALL);
    feed(writer, stacks[0], 0, 40);
    writer.close();
    const hosted = await host({ readOnly: true });
    const client = windowOn(hosted);
    expect(await client.call('training.queue')).toMatchObject({
      canTrain: false,
      problem: expect.stringContaining('--read-only') as string,
    });
    for (const attempt of [
      () => client.call('experiments.delete', { experiment: experiment.key }),
      () => client.call('experiments.annotate', { experiment: experiment.key, name: 'x' }),
      () => client.call('training.start', { experiment: experiment.key }),
      () => client.call('training.pause', { experiment: experiment.key }),
      () => client.call('store.backup'),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'read-only' });
    openStore(join(folder, 'lab.surge')).close();
    expect(
      (await client.call('watch.open', { experiment: experiment.key, metric: 'evaluationLoss' }))
        ?.recorded[0],
    ).toBe(40);
  });
});

describe('a design from a window', () => {
  it('knows the parameters of every workload, as its data have them', async () => {
    const client = windowOn(await host());
    const rest = { optimizer: { kind: 'sign' }, learningRates: { list: [1] }, batchSizes: { list: [1] } };
    const parametersOf = async (workload: object): Promise<number | null | undefined> => {
      const text = JSON.stringify({ name: 'x', workload, ...rest, length: { steps: 1 } });
      const { design, problems } = await client.call('design.preview', { text });
      expect(problems).toEqual([]);
      return design?.parameters;
    };
    const spirals = { source: 'spirals', arms: 4 };
    expect(await parametersOf({ kind: 'mlp', hidden: [32], data: { source: 'digits' } })).toBe(25_450);
    // What was read a moment ago is not mistaken for what is asked for now.
    expect(await parametersOf({ kind: 'mlp', hidden: [3], data: { source: 'digits' } })).toBe(2_395);
    expect(await parametersOf({ kind: 'mlp', hidden: [5, 6], data: spirals })).toBe(15 + 36 + 28);
    expect(
      await parametersOf({
        kind: 'quadratic',
        mu: [1, 1],
        sigma: [1, 1],
        hessian: [
          [1, 0],
          [0, 1],
        ],
      }),
    ).toBe(2);
    const gpt = { layers: 1, width: 8, heads: 2, context: 4, tied: true };
    const markov = { source: 'markov', vocabulary: 5 };
    // Embeddings of tokens and places, two norms, attention, feed-forward, and the last norm.
    const block = 2 * 16 + (3 * 8 * 8 + 3 * 8) + (8 * 8 + 8) + (32 * 8 + 32) + (8 * 32 + 8);
    expect(await parametersOf({ kind: 'gpt', ...gpt, data: markov })).toBe(5 * 8 + 4 * 8 + block + 16);
  });
});

describe('the store from a window', () => {
  it('is backed up, put back with everything that came later, and the window follows', async () => {
    const hosted = await host();
    const client = windowOn(hosted);
    const { experiment, stacks } = createLarge(hosted.lab.writer(), SMALL);
    feed(hosted.lab.writer(), stacks[0], 0, 12);
    const { backups } = await client.call('store.backup');
    expect(backups).toHaveLength(1);
    feed(hosted.lab.writer(), stacks[0], 12, 40);
    await client.call('experiments.annotate', { experiment: experiment.key, name: 'later' });
    const watching = new Watching(client, experiment.key);
    await watching.open();
    const before = structuredClone(truth(hosted.lab.writer(), experiment.key));
    const state = await client.call('store.restore', { backup: backups[0].name });
    expect(state.access).toBe('write');
    const after = truth(hosted.lab.writer(), experiment.key);
    expect({ ...after, cursor: 0 }).toEqual({ ...before, cursor: 0 });
    expect((await client.call('experiments.get', { experiment: experiment.key })).name).toBe('later');
    feed(hosted.lab.writer(), stacks[1], 0, 8);
    await expectEqual(watching, hosted.lab.writer(), experiment.key);
  });

  it('takes an import in pieces, previews it, says what is missing, and stores it once', async () => {
    const hosted = await host();
    const client = windowOn(hosted);
    const rows = [1, 2, 4].flatMap((b) =>
      [0.1, 0.2, 0.4].flatMap((lr) =>
        [10, 20].map((step) => `${lr},${b},${step},${(Math.log(lr * b) ** 2 / step).toFixed(4)},x`),
      ),
    );
    const text = `Learning_Rate,bs,step,final,extra\n${rows.join('\n')}\n`;
    const bytes = new TextEncoder().encode(text);
    const { upload } = await client.call('upload.begin', { name: 'mine.csv', bytes: bytes.length });
    for (let offset = 0; offset < bytes.length; offset += 50)
      await client.call('upload.append', { upload, offset, bytes: bytes.subarray(offset, offset + 50) });
    const first = await client.call('import.preview', { upload });
    expect(first.columns).toEqual(['Learning_Rate', 'bs', 'step', 'final', 'extra']);
    expect(first).toMatchObject({ problem: expect.stringContaining('loss') as string, families: [] });
    expect(first.sample[0]).toEqual(['0.1', '1', '10', '0.5302', 'x']);
    expect(first.mapping.columns).toMatchObject({ learningRate: 'Learning_Rate', batchSize: 'bs' });
    const mapped = await client.call('import.preview', { upload, map: { loss: 'final' } });
    expect(mapped).toMatchObject({ problem: '', report: { rowsKept: 18 }, families: [{ cells: 9 }] });
    const wrong = await client.call('import.preview', {
      upload,
      map: { batchSize: 'nothing', loss: 'final' },
    });
    expect(wrong.families).toEqual([]);
    expect(wrong.problem).toContain('nothing');
    const stored = await client.call('import.store', { upload, name: 'theirs', map: { loss: 'final' } });
    expect(stored.isNew).toBe(true);
    expect(
      (await client.call('import.store', { upload, name: 'theirs', map: { loss: 'final' } })).isNew,
    ).toBe(false);
    expect(await client.call('experiments.get', { experiment: stored.experiments[0] })).toMatchObject({
      state: 'imported',
      name: 'theirs',
      hasCurves: true,
      imported: { file: 'mine.csv' },
    });
    const snapshot = await client.call('watch.open', {
      experiment: stored.experiments[0],
      metric: 'evaluationLoss',
    });
    expect(snapshot).toMatchObject({ batchSizes: [1, 2, 4], learningRates: [0.1, 0.2, 0.4] });
    client.close();
    await vi.waitFor(
      () => expect(existsSync(join(folder, 'lab.surge.uploads', upload))).toBe(false),
      PATIENCE,
    );
  });

  it('keeps settings for the next start, and one window hears of another’s', async () => {
    const hosted = await hostLab(folder);
    const [one, two] = [windowOn(hosted), windowOn(hosted)];
    const heard = vi.fn();
    two.on('settings.changed', heard);
    await two.call('training.queue');
    expect(await one.call('settings.set', { theme: 'dark', threads: 3 })).toEqual({
      theme: 'dark',
      threads: 3,
      maxCellsPerStack: null,
    });
    await vi.waitFor(() => expect(heard).toHaveBeenCalledOnce(), PATIENCE);
    await hosted.close();
    const again = await host();
    expect((await windowOn(again).call('lab.about')).settings).toMatchObject({ theme: 'dark', threads: 3 });
    writeFileSync(join(folder, 'settings.json'), '{"theme":"pink","threads":-1,"more":[]}');
    const third = mkdtempSync(join(folder, 'third-'));
    const other = await hostLab(third, { settingsFile: join(folder, 'settings.json') });
    ends.push(() => other.close());
    expect(other.lab.settings).toEqual({ theme: 'system', threads: null, maxCellsPerStack: null });
  });
});

function canMount(): boolean {
  const disk = mkdtempSync(join(tmpdir(), 'surge-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], { stdio: 'pipe' });
    execFileSync('umount', [disk]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(disk, { recursive: true, force: true });
  }
}

const mountable = canMount();
if (!mountable) console.log('skipped: full and read-only disks need the right to mount a tmpfs');

describe.skipIf(!mountable)('a disk', () => {
  function mountDisk(size: string): string {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk], { stdio: 'pipe' });
    ends.unshift(() => execFileSync('umount', [disk]));
    return disk;
  }

  it('that is full: the window says so, keeps showing what there is, and goes on when there is space', async () => {
    const disk = mountDisk('12m');
    const hosted = await host({ file: join(disk, 'lab.surge') });
    const client = windowOn(hosted);
    const { experiment, stacks } = createLarge(hosted.lab.writer(), SMALL);
    feed(hosted.lab.writer(), stacks[0], 0, 20);
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize));
    await expect(
      client.call('experiments.annotate', { experiment: experiment.key, notes: 'x'.repeat(90_000) }),
    ).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining('free some space') as string,
    });
    const snapshot = await client.call('watch.open', {
      experiment: experiment.key,
      metric: 'evaluationLoss',
    });
    expect(snapshot?.recorded[0]).toBe(20);
    await expect(client.call('upload.begin', { name: 'x', bytes: 1 << 20 })).rejects.toMatchObject({
      code: 'disk-full',
    });
    rmSync(join(disk, 'filler'));
    await client.call('experiments.annotate', { experiment: experiment.key, notes: 'again' });
    expect((await client.call('experiments.get', { experiment: experiment.key })).notes).toBe('again');
  });

  it('that cannot be written to: everything can be looked at', async () => {
    const disk = mountDisk('12m');
    const store = openStore(join(disk, 'lab.surge'));
    const { experiment, stacks } = createLarge(store, SMALL);
    for (const stack of stacks) feed(store, stack, 0, 40);
    store.close();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    const hosted = await host({ file: join(disk, 'lab.surge') });
    const client = windowOn(hosted);
    const queue = await client.call('training.queue');
    expect(queue.canTrain).toBe(false);
    expect(queue.problem).toContain('cannot be');
    const [card] = await client.call('experiments.list', { archived: false });
    expect(card).toMatchObject({ key: experiment.key, state: 'complete' });
    expect(card.thumbnail).not.toBeNull();
    await expect(client.call('experiments.delete', { experiment: experiment.key })).rejects.toMatchObject({
      code: 'read-only',
    });
    const bytes = new TextEncoder().encode('lr,batch_size,loss\n0.1,1,2\n');
    const { upload } = await client.call('upload.begin', { name: 'x.csv', bytes: bytes.length });
    await client.call('upload.append', { upload, offset: 0, bytes });
    expect((await client.call('import.preview', { upload })).columns).toHaveLength(3);
  });
});
