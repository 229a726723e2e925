/** Data on a node's own disk: one copy, read in place of the original. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseExperimentFile } from '#shared/experiment/file.ts';
import type { WorkloadSpecification } from '#shared/experiment/specification.ts';
import { stageData } from '#main/lab/slurm/stage-data.ts';
import { catalog } from '#main/training/data/sets/catalog.ts';
import { STAGED_DATA, stagedWorkload } from '#main/training/staged-data.ts';
import { loadClassification } from '#main/training/data/load.ts';
import { removeTemporaryFoldersAfterEach, temporaryFolder } from '../../support/store.ts';

removeTemporaryFoldersAfterEach();
afterEach(() => vi.unstubAllEnvs());

function workloadOf(data: object): WorkloadSpecification {
  const parsed = parseExperimentFile(
    JSON.stringify({
      name: 'x',
      workload: { kind: 'mlp', hidden: [4], data },
      optimizer: { kind: 'adam' },
      learningRates: { list: [0.1] },
      batchSizes: { list: [1] },
      length: { steps: 1 },
    }),
  );
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join());
  return parsed.specification.workload;
}

const dataOf = (workload: WorkloadSpecification) => {
  if (workload.kind !== 'mlp') throw new Error(workload.kind);
  return workload.data;
};

describe('staged data', () => {
  it('are copied once, read instead of the original, and again when the original has changed', () => {
    const folder = temporaryFolder();
    const file = join(folder, 'points.csv');
    const text = `x,y,label\n${Array.from({ length: 40 }, (_, i) => `${i / 10},${-i},${i % 2}`).join('\n')}\n`;
    writeFileSync(file, text);
    const workload = workloadOf({ source: 'csv', file, label: 'label' });
    const stage = join(folder, 'node', 'stage');
    const environment = stageData(workload, stage);
    const staged = stagedWorkload(workload, environment[STAGED_DATA]);
    const copy = (dataOf(staged) as { file: string }).file;
    expect(copy.startsWith(stage)).toBe(true);
    expect(readFileSync(copy, 'utf8')).toBe(text);
    const original = loadClassification(dataOf(workload), 10);
    // The cells are those of the original: the same examples, the same checksum.
    expect(loadClassification(dataOf(staged), 10).checksum).toBe(original.checksum);
    const before = readdirSync(dirname(copy)).sort();
    writeFileSync(copy, `${text}7,7,1\n`);
    expect(stageData(workload, stage)).toEqual(environment);
    expect(readFileSync(copy, 'utf8')).toContain('7,7,1');
    expect(readdirSync(dirname(copy)).sort()).toEqual(before);
    utimesSync(file, 1, 1);
    const renewed = stagedWorkload(workload, stageData(workload, stage)[STAGED_DATA]);
    expect(readFileSync((dataOf(renewed) as { file: string }).file, 'utf8')).toBe(text);
    expect(
      readdirSync(stage, { recursive: true }).filter((name) => String(name).includes('partial')),
    ).toEqual([]);
  });

  it('keep members of archives and whole folders', () => {
    const folder = temporaryFolder();
    const archive = join(folder, 'both.npz');
    writeFileSync(archive, 'bytes');
    const numpy = workloadOf({ source: 'numpy', images: `${archive}#x`, labels: `${archive}#y` });
    const copies = dataOf(stagedWorkload(numpy, stageData(numpy, join(folder, 'stage'))[STAGED_DATA]));
    expect(copies).toMatchObject({
      images: expect.stringMatching(/stage\/\w+\/both\.npz#x$/) as string,
      labels: expect.stringMatching(/stage\/\w+\/both\.npz#y$/) as string,
    });
    const images = join(folder, 'images');
    mkdirSync(join(images, 'train', 'cat'), { recursive: true });
    writeFileSync(join(images, 'train', 'cat', '1.png'), 'x');
    const tree = workloadOf({ source: 'folder', folder: images });
    const { folder: copy } = dataOf(
      stagedWorkload(tree, stageData(tree, join(folder, 'stage'))[STAGED_DATA]),
    ) as { folder: string };
    expect(copy).not.toBe(images);
    expect(existsSync(join(copy, 'train', 'cat', '1.png'))).toBe(true);
  });

  it('are a set of the data folder where the experiment names one', () => {
    const folder = temporaryFolder();
    vi.stubEnv('SURGE_DATA', join(folder, 'data'));
    const workload = workloadOf({ source: 'set', name: 'mnist' });
    expect(stageData(workload, join(folder, 'stage'))).toEqual({});
    const own = join(folder, 'data', catalog.mnist.folder);
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, 'manifest.json'), '{}');
    const { SURGE_DATA: root } = stageData(workload, join(folder, 'stage'));
    expect(root.startsWith(join(folder, 'stage'))).toBe(true);
    expect(readFileSync(join(root, catalog.mnist.folder, 'manifest.json'), 'utf8')).toBe('{}');
  });

  it('that are missing, or come with the product, are left as they are', () => {
    const folder = temporaryFolder();
    const missing = workloadOf({ source: 'csv', file: join(folder, 'gone.csv'), label: 'label' });
    expect(stageData(missing, join(folder, 'stage'))).toEqual({});
    expect(stageData(workloadOf({ source: 'digits' }), join(folder, 'stage'))).toEqual({});
    expect(stagedWorkload(missing, undefined)).toBe(missing);
    rmSync(folder, { recursive: true });
  });
});
