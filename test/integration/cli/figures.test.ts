/** surge figure: presets, formats, sets from a file, and what it says of mistakes. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { surge, surgeJson, temporaryFolder } from '../../support/cli.ts';

const BAD_INPUT = 2;
const folder = temporaryFolder();
const store = folder.file('lab.surge');

/** 5 batch sizes × 7 learning rates × 3 seeds × 5 steps, whose ridge rises and falls. */
function sweep(): string {
  const lines = ['lr,bs,seed,step,loss'];
  for (let b = 0; b < 5; b++)
    for (let r = 0; r < 7; r++)
      for (let seed = 0; seed < 3; seed++)
        for (const step of [1, 3, 10, 30, 100]) {
          const best = 4 - Math.abs(b - 2) / 2;
          lines.push(
            `${1e-4 * 2 ** r},${2 ** b},${seed},${step},${5 / step + (r - best) ** 2 / 10 + seed / 1000}`,
          );
        }
  return lines.join('\n');
}

function file(name: string, text: string): string {
  writeFileSync(folder.file(name), text);
  return folder.file(name);
}

const figure = (...args: string[]) => surge(['figure', ...args, '--store', store]);

beforeAll(async () => {
  const map = file(
    'map.yaml',
    'columns: { learningRate: lr, batchSize: bs, loss: loss, seed: seed, step: step }\n',
  );
  const { code, stderr } = await surge([
    'import', file('sweep.csv', sweep()), '--map', map, '--name', 'sweep', '--store', store,
  ]); // prettier-ignore
  expect(code, stderr).toBe(0);
});
afterAll(() => folder.remove());

describe('surge figure', () => {
  test('prints every kind in every format at the width of a preset', async () => {
    const out = folder.file('all');
    const args = ['--preset', 'aps-178', '--format', 'svg,pdf,png,tex,csv,json,md', '--out', out];
    const { code, value, stderr } = await surgeJson(['figure', 'sweep', '--store', store, ...args]);
    expect(code, stderr).toBe(0);
    const { figures, files } = value as { figures: { name: string; widthMm: number }[]; files: string[] };
    const names = ['losses', 'heat-map', 'ridge', 'migration-steps', 'migration-loss', 'protocol'];
    expect(figures.map(({ name }) => name)).toEqual(names.map((name) => `sweep-${name}`));
    for (const { widthMm } of figures) expect(widthMm).toBe(178);
    const endings = [
      '.svg',
      '.pdf',
      '.png',
      '.tex',
      '-plots.csv',
      '-caption.tex',
      '.csv',
      '.json',
      '-caption.md',
    ];
    expect(files).toEqual(
      names.flatMap((name) => endings.map((ending) => join(out, `sweep-${name}${ending}`))),
    );
    expect(readdirSync(out).sort()).toEqual(files.map((path) => path.slice(out.length + 1)).sort());
    const manifest = JSON.parse(readFileSync(join(out, 'sweep-ridge.json'), 'utf8')) as unknown;
    expect(manifest).toMatchObject({
      experiments: [{ name: 'sweep', engines: [], dataChecksums: [expect.stringMatching(/^[0-9a-f]{64}$/)] }],
    });
  });

  test('leaves out of all kinds the one that does not fit, and says so', async () => {
    const out = folder.file('narrow');
    const targets = Array.from({ length: 12 }, (_, i) => 0.2 + i / 10).join(',');
    const args = ['--preset', 'nature-89', '--format', 'svg', '--targets', targets, '--out', out];
    const { code, stderr } = await figure('sweep', ...args);
    expect(stderr).toMatch(/sweep-protocol: .*allows 170 mm/);
    expect(code).toBe(0);
    expect(readdirSync(out)).toContain('sweep-ridge.svg');
    expect(readdirSync(out)).not.toContain('sweep-protocol.svg');
  });

  test('prints the same bytes from two processes, in another time zone and language too', async () => {
    const set = file(
      'figures.yaml',
      [
        'preset: nature-183',
        'formats: [svg, pdf, csv, json]',
        'figures:',
        '  - { kind: ridge, name: figure-1, experiment: sweep, preset: mine }',
        '  - { kind: losses, experiment: sweep, steps: [10, 100] }',
        'presets:',
        '  mine: { title: Mine, width: 80, maxHeight: 90, textSize: 7, lineWidth: 1, face: serif }',
      ].join('\n'),
    );
    const folders = ['one', 'two'].map((name) => folder.file(name));
    const elsewhere = { TZ: 'Asia/Kathmandu', LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8' };
    for (const [i, out] of folders.entries()) {
      const args = ['figure', set, '--out', out, '--store', store];
      expect(await surge(args, i === 0 ? {} : elsewhere)).toMatchObject({ code: 0 });
    }
    const files = ['figure-1', 'sweep-losses'].flatMap((name) =>
      ['svg', 'pdf', 'csv', 'json'].map((ending) => `${name}.${ending}`),
    );
    for (const out of folders) expect(readdirSync(out).sort()).toEqual([...files].sort());
    for (const name of files)
      expect(readFileSync(join(folders[1], name)).equals(readFileSync(join(folders[0], name))), name).toBe(
        true,
      );
    expect(readFileSync(join(folders[0], 'figure-1.svg'), 'utf8')).toMatch(/width="80mm".*DejaVu Serif/s);
  });
});

describe('surge figure leaves nothing behind and says what to do about', () => {
  const out = folder.file('nothing');
  const refused: readonly (readonly [string, () => readonly string[], RegExp])[] = [
    ['an unknown preset', () => ['sweep', '--preset', 'nature-98'], /--preset: there is no preset "nature-98": choose nature-89, /],
    ['an unknown preset in a file', () => [file('a.yaml', 'figures:\n  - kind: ridge\n    experiment: sweep\n    preset: x\n')], /a\.yaml:4:13 figures\[0\]\.preset: there is no preset "x"/],
    ['a field that is not there', () => [file('b.yaml', 'figures:\n  - kind: losses\n    experiment: sweep\n    stepss: [3]\n')], /b\.yaml:4:5 figures\[0\]\.stepss: .*did you mean steps/],
    ['a preset file with wrong types', () => ['sweep', '--preset', file('c.yaml', 'title: x\nwidth: wide\nmaxHeight: 100\ntextSize: 7\nlineWidth: 1\n')], /c\.yaml:2:8 width: must be a number, not the text "wide"/],
    ['a file that is not there', () => [folder.file('none.yaml')], /none\.yaml: there is no such file/],
    ['a size that the axes do not fit', () => ['sweep', '--width-mm', '30'], /sweep-losses: The axes do not fit into 30 mm/],
    ['a figure too high for its preset', () => ['sweep', '--kind', 'losses', '--preset', 'nature-89', '--steps', Array.from({ length: 40 }, (_, i) => i + 1).join(',')], /"Nature, one column" allows 170 mm/],
    ['a missing experiment', () => ['nosuch'], /nosuch/],
    ['a missing experiment in a file', () => [file('d.yaml', 'kind: ridge\nexperiment: nosuch\n')], /nosuch/],
    ['a name that no file can have', () => [file('e.yaml', 'kind: ridge\nexperiment: sweep\nname: ../x\n')], /cannot be named "\.\.\/x"/],
    ['an unknown format', () => ['sweep', '--format', 'svg,eps'], /--format.*choose svg, pdf/],
    ['too many dots', () => ['sweep', '--dpi', '1e9'], /--dpi.*30 to 2400/],
    ['an option that belongs into the file', () => [file('f.yaml', 'kind: ridge\nexperiment: sweep\n'), '--steps', '10'], /--steps is for an experiment/],
  ]; // prettier-ignore

  test.each(refused)('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await figure(...args(), '--out', out);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(BAD_INPUT);
    expect(existsSync(out) ? readdirSync(out) : []).toEqual([]);
  });

  test('a folder that cannot be written', async () => {
    const { code, stderr } = await figure('sweep', '--out', join(store, 'below'));
    expect(stderr).toMatch(/^--out .*name a folder/);
    expect(code).toBe(BAD_INPUT);
  });

  test('a file that is in the way', async () => {
    const blocked = folder.file('blocked');
    mkdirSync(join(blocked, 'sweep-ridge.csv.partial'), { recursive: true });
    const { code } = await figure('sweep', '--kind', 'ridge', '--out', blocked);
    expect(code).not.toBe(0);
    expect(readdirSync(blocked)).toEqual(['sweep-ridge.csv.partial']);
  });
});
