/** Pictures are drawn beside the lab, which answers its windows meanwhile. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DrawingDesk } from '#main/lab/drawing/desk.ts';
import { connectWindow, hostLab } from '../../support/lab-host.ts';
import { createLarge, feed, type LargeGrid } from '../../support/large-store.ts';

const SMALL: LargeGrid = { name: 'small', batchSizes: 4, learningRates: 12, seeds: 3, marks: 20 };
/** More than a million losses: its thumbnail is drawn beside the lab too. */
const LARGE: LargeGrid = { name: 'large', batchSizes: 12, learningRates: 60, seeds: 25, marks: 60 };

let folder: string;
const ends: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'surge-drawing-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});

async function windowOn(grid: LargeGrid) {
  const hosted = await hostLab(folder);
  ends.push(() => hosted.close());
  const { experiment, stacks } = createLarge(hosted.lab.writer(), grid);
  for (const stack of stacks) feed(hosted.lab.writer(), stack, 0, grid.marks);
  const connect = () => {
    const client = connectWindow(hosted);
    ends.push(() => client.close());
    return client;
  };
  return { hosted, connect, experiment: experiment.key };
}

function figureOf(experiment: string, kind: string) {
  const specification = { kind, experiment, ...(kind === 'migration' ? { by: 'steps' } : {}) };
  return { experiments: [experiment], specification, formats: ['svg' as const], preset: 'neurips-text' };
}

describe('drawing', () => {
  it('sends figures, and says why one cannot be', async () => {
    const { hosted, connect, experiment } = await windowOn(SMALL);
    const client = connect();
    const [file] = await client.call('figures.render', figureOf(experiment, 'ridge'));
    expect(file.name).toBe('small-ridge.svg');
    expect(new TextDecoder().decode(file.bytes)).toMatch(/<svg[\s\S]*<\/svg>\s*$/);
    await expect(
      client.call('figures.render', { ...figureOf(experiment, 'ridge'), preset: 'no such' }),
    ).rejects.toMatchObject({ code: 'bad-argument', path: 'preset' });
    await expect(client.call('figures.render', figureOf(experiment, 'nothing'))).rejects.toMatchObject({
      code: 'bad-argument',
      path: expect.stringContaining('specification') as string,
    });
    await expect(client.call('figures.render', figureOf(experiment, 'prediction'))).rejects.toMatchObject({
      code: 'not-possible',
      message: expect.stringContaining('prediction') as string,
    });
    expect(hosted.faults).toEqual([]);
  });

  it('leaves the lab free for other windows, and thumbnails of large experiments come when they are drawn', async () => {
    const { hosted, connect, experiment } = await windowOn(LARGE);
    const [one, two] = [connect(), connect()];
    const changed = vi.fn();
    two.on('experiments.changed', changed);
    const order: string[] = [];
    const figure = one.call('figures.render', figureOf(experiment, 'migration')).then((files) => {
      order.push('figure');
      return files;
    });
    const [card] = await two.call('experiments.list', { archived: false });
    expect(card.thumbnail).toBeNull();
    for (let i = 0; i < 5; i++) await two.call('experiments.get', { experiment });
    order.push('calls');
    expect((await figure)[0].bytes.length).toBeGreaterThan(1_000);
    expect(order).toEqual(['calls', 'figure']);
    await vi.waitFor(() => expect(changed).toHaveBeenCalledWith({ experiments: [experiment] }), {
      timeout: 30_000,
    });
    await vi.waitFor(
      async () => {
        const [after] = await two.call('experiments.list', { archived: false });
        expect(after.thumbnail?.batchSizes).toHaveLength(LARGE.batchSizes);
      },
      { timeout: 30_000 },
    );
    expect(hosted.faults).toEqual([]);
  });

  it('survives the end of its process: what waited fails, what comes next is drawn', async () => {
    const { hosted, experiment } = await windowOn(SMALL);
    const program = join(folder, 'broken.mjs');
    writeFileSync(program, 'console.error("out of paper"); process.exit(3);');
    const desk = new DrawingDesk(() => hosted.lab.store.file, program);
    ends.push(() => desk.close());
    for (let i = 0; i < 2; i++)
      await expect(desk.draw('thumbnail', experiment)).rejects.toMatchObject({
        code: 'internal',
        message: 'The picture could not be drawn: out of paper',
      });
    const whole = new DrawingDesk(() => hosted.lab.store.file);
    ends.push(() => whole.close());
    await expect(whole.draw('thumbnail', 'zzzzzzzzzz')).rejects.toMatchObject({ code: 'not-found' });
    expect((await whole.draw('thumbnail', experiment)).batchSizes).toEqual(new Float64Array([1, 2, 3, 4]));
    const last = whole.draw('thumbnail', experiment);
    whole.close();
    await expect(last).rejects.toMatchObject({ message: expect.stringContaining('the lab ends') as string });
  });
});
