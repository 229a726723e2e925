/** Experiments from one lab to another by the command line. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { surge, surgeJson, temporaryFolder } from '../../support/cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const listSchema = z.object({ experiments: z.array(z.object({ key: z.string(), name: z.string() })) });
const [here, there] = [folder.file('here.surge'), folder.file('there.surge')];
const namesIn = async (store: string) =>
  listSchema.parse((await surgeJson(['list', '--store', store])).value).experiments.map(({ name }) => name);

describe('surge export --shards and surge import', () => {
  it('carry an experiment over once, and refuse what was damaged on the way', async () => {
    const file = folder.file('sweep.csv');
    writeFileSync(file, 'lr,bs,loss\n0.1,8,1\n0.2,8,0.5\n0.4,8,2\n');
    const map = folder.file('map.json');
    writeFileSync(map, JSON.stringify({ columns: { learningRate: 'lr', batchSize: 'bs', loss: 'loss' } }));
    expect((await surge(['import', file, '--map', map, '--name', 'others', '--store', here])).code).toBe(0);
    const out = folder.file('parcel');
    const written = await surge(['export', 'others', '--shards', '--out', out, '--store', here]);
    expect(written).toMatchObject({ code: 0, stderr: '' });
    expect(written.stdout).toContain('"others"');
    const first = await surge(['import', out, '--store', there]);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('"others"');
    expect(first.stdout).toContain('new here');
    expect((await surge(['import', out, '--store', there])).stdout).toContain('here already');
    expect(await namesIn(there)).toEqual(['others']);

    const refusals: [string[], string][] = [
      [['import', out, '--map', map, '--store', there], '--map is for files of numbers'],
      [['export', 'others', '--shards', '--store', here], '--out FOLDER'],
      [['export', 'others', '--shards', '--format', 'csv', '--out', out, '--store', here], '--format'],
      [['export', 'others', 'others', '--out', out, '--store', here], 'one after the other'],
    ];
    for (const [parts, words] of refusals) {
      const { code, stderr } = await surge(parts);
      expect(code).toBe(2);
      expect(stderr).toContain(words);
    }
    appendFileSync(join(out, 'shard.surge'), 'x');
    const damaged = await surge(['import', out, '--store', folder.file('new.surge')]);
    expect(damaged.code).toBe(2);
    expect(damaged.stderr).toContain('Copy the folder again');

    // A store by itself is taken too; one that is cut is refused, and the rest comes.
    const cut = folder.file('stores/cut.surge');
    await surge(['merge', here, '--into', folder.file('stores/whole.surge')]);
    writeFileSync(cut, readFileSync(here).subarray(0, 10_000));
    const both = await surge(['import', folder.file('stores'), '--store', folder.file('third.surge')]);
    expect(both.code).toBe(5);
    expect(both.stderr).toContain('cut.surge: not merged');
    expect(await namesIn(folder.file('third.surge'))).toEqual(['others']);
  }, 120_000);
});
