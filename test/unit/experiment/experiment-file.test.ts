import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExperimentFileError, readExperimentFile } from '#main/lab/experiment-file.ts';
import { specificationToYaml } from '#shared/experiment/file.ts';
import { smallInput, specification } from './specifications.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'experiment-file-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

async function failure(file: string): Promise<ExperimentFileError> {
  const error: unknown = await readExperimentFile(file).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ExperimentFileError);
  return error as ExperimentFileError;
}

describe('experiment files on disk', () => {
  it('give a specification and its warnings', async () => {
    const file = await write('a.yaml', specificationToYaml(specification({ marks: { list: [99] } })));
    expect(await readExperimentFile(file)).toEqual({
      specification: specification({ marks: { list: [99] } }),
      warnings: ['marks.list: step 99 lies beyond the last step (20) and is left out'],
    });
  });

  it('name data files relative to themselves', async () => {
    const data = { source: 'idx', images: 'data/images.gz', labels: '/srv/labels' } as const;
    const file = await write('b.json', JSON.stringify({ ...smallInput, workload: { kind: 'mlp', data } }));
    const { specification: read } = await readExperimentFile(file);
    expect(read.workload).toEqual({
      kind: 'mlp',
      hidden: [32],
      activation: 'relu',
      data: { source: 'idx', images: join(folder, 'data/images.gz'), labels: '/srv/labels' },
    });
  });

  it('tell file, line, column and field of every problem', async () => {
    const text = specificationToYaml(specification());
    const file = await write(
      'c.yaml',
      text.replace('from: 0.001', 'from: 0').replace('seeds: 2', 'seeds: no'),
    );
    const line = (part: string) => text.slice(0, text.indexOf(part)).split('\n').length;
    expect((await failure(file)).message).toBe(
      [
        `${file}:${line('from: 0.001')}:11 learningRates.log.from: must be positive (got 0); a logarithmic range cannot contain zero`,
        `${file}:${line('seeds: 2')}:8 seeds: must be a number or a list, not the text "no"`,
      ].join('\n'),
    );
  });

  it('that are not there, folders, data or devices say so', async () => {
    const missing = join(folder, 'missing.yaml');
    expect((await failure(missing)).message).toBe(`${missing}: there is no such file`);
    expect((await failure(folder)).message).toBe(`${folder}: this is a folder, not an experiment file`);
    const big = await write('big.yaml', 'x'.repeat(13_000_000));
    expect((await failure(big)).message).toContain(`${big}: the file is too large`);
  });

  it.skipIf(process.platform === 'win32')('endless devices end', async () => {
    expect((await failure('/dev/zero')).message).toContain('/dev/zero: the file is too large');
  });
});
