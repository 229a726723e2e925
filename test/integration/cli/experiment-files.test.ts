/** Every kind of wrong experiment file: exit code 2, one line a problem with its place and field, and no store is made. */
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { surge, temporaryFolder } from '../../support/cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const lines = {
  name: 'name: wrong',
  workload: 'workload: { kind: quadratic, mu: [1], sigma: [1], hessian: [[1]] }',
  optimizer: 'optimizer: { kind: sign }',
  learningRates: 'learningRates: { list: [0.01, 0.1, 1] }',
  batchSizes: 'batchSizes: { list: [1, 2, 4] }',
  seeds: 'seeds: 2',
  length: 'length: { steps: 10 }',
};
type Field = keyof typeof lines;
const order = Object.keys(lines) as Field[];

/** The sound file with one line replaced (null: left out), and the place of that line. */
function withLine(field: Field, text: string | null): { content: string; line: number } {
  const content = order
    .flatMap((name) => (name !== field ? [lines[name]] : text === null ? [] : [text]))
    .join('\n');
  return { content: `${content}\n`, line: order.indexOf(field) + 1 };
}

const wrong: readonly [what: string, field: Field, text: string, shown: string][] = [
  ['an unknown field', 'seeds', 'sedes: 2', 'sedes'],
  [
    'an unknown field inside',
    'learningRates',
    'learningRates: { list: [1], spacing: 2 }',
    'learningRates.spacing',
  ],
  ['text for a number', 'learningRates', 'learningRates: { list: [0.01, fast] }', 'learningRates.list[1]'],
  ['a number in quotes', 'length', 'length: { steps: "10" }', 'length.steps'],
  ['NaN', 'learningRates', 'learningRates: { list: [0.1, .nan] }', 'learningRates.list[1]'],
  [
    'infinity',
    'learningRates',
    'learningRates: { log: { from: 0.1, to: .inf, count: 3 } }',
    'learningRates.log.to',
  ],
  ['a negative learning rate', 'learningRates', 'learningRates: { list: [-0.1] }', 'learningRates.list[0]'],
  [
    'zero on a log range',
    'learningRates',
    'learningRates: { log: { from: 0, to: 1, perDecade: 2 } }',
    'learningRates.log.from',
  ],
  [
    'a range upside down',
    'learningRates',
    'learningRates: { log: { from: 1, to: 0.1, count: 3 } }',
    'learningRates.log',
  ],
  ['a batch size that is no whole number', 'batchSizes', 'batchSizes: { list: [1.5] }', 'batchSizes.list[0]'],
  ['an empty grid', 'batchSizes', 'batchSizes: { list: [] }', 'batchSizes.list'],
  [
    'two ways at once',
    'batchSizes',
    'batchSizes: { list: [1], log: { from: 1, to: 2, count: 2 } }',
    'batchSizes',
  ],
  ['the same value twice', 'learningRates', 'learningRates: { list: [0.1, 0.2, 0.1] }', 'learningRates.list'],
  ['no seeds', 'seeds', 'seeds: 0', 'seeds'],
  ['the same seed twice', 'seeds', 'seeds: [1, 1]', 'seeds'],
  ['1e308 seeds', 'seeds', 'seeds: 1.0e+308', 'seeds'],
  ['no steps', 'length', 'length: { steps: 0 }', 'length.steps'],
  ['two lengths', 'length', 'length: { steps: 10, samples: 10 }', 'length'],
  ['an unknown optimizer', 'optimizer', 'optimizer: { kind: adamm }', 'optimizer.kind'],
  [
    'a matrix that does not fit',
    'workload',
    'workload: { kind: quadratic, mu: [1, 2], sigma: [1], hessian: [[1]] }',
    'workload.sigma',
  ],
  ['a number where a group belongs', 'workload', 'workload: 3', 'workload'],
];

async function refusal(name: string, content: string | Buffer): Promise<{ file: string; stderr: string }> {
  const file = folder.file(name);
  const store = folder.file(`${name}.surge`);
  writeFileSync(file, content);
  const { code, stdout, stderr } = await surge(['run', file, '--store', store]);
  expect(code, stderr).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stderr.endsWith('\n')).toBe(true);
  for (const ending of ['', '-lock', '.spool']) expect(existsSync(store + ending)).toBe(false);
  return { file, stderr };
}

describe('an experiment file with', () => {
  test.each(wrong)('%s', async (what, field, text, shown) => {
    const { content, line } = withLine(field, text);
    const { file, stderr } = await refusal(`${what.replaceAll(' ', '-')}.yaml`, content);
    const problem = stderr.split('\n').find((one) => one.startsWith(`${file}:${line}:`));
    expect(problem, stderr).toBeDefined();
    expect(problem).toMatch(
      new RegExp(`^\\S+:${line}:\\d+ (${shown.replaceAll(/[[\].]/g, '\\$&')})\\S*: .+`),
    );
  });

  test('a field left out', async () => {
    const { stderr } = await refusal('left-out.yaml', withLine('length', null).content);
    expect(stderr).toMatch(/length: is missing/);
  });

  test('too many cells', async () => {
    const { stderr } = await refusal(
      'too-many-cells.yaml',
      withLine('seeds', 'seeds: 100000').content.replace('[0.01, 0.1, 1]', '[0.01, 0.1, 1, 10]'),
    );
    expect(stderr).toMatch(/:6:\d+ seeds: the grid has 1,200,000 cells/);
  });

  test('several problems: one line each', async () => {
    const { stderr } = await refusal(
      'several.yaml',
      withLine('seeds', 'seeds: -1').content.replace(lines.optimizer, 'optimizer: { kind: adamm }'),
    );
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  });

  test.each([
    ['nothing in it', '', /the file is empty/],
    ['broken YAML', 'name: [1,\n', /:\d+:\d+: the file cannot be read as YAML or JSON/],
    ['bytes', randomBytes(4000), /the file is not UTF-8 text/],
    [
      'the same field twice',
      `${withLine('seeds', 'seeds: 1').content}seeds: 2\n`,
      /:8:1: the same field is given twice/,
    ],
  ])('%s', async (what, content, message) => {
    const { file, stderr } = await refusal(`${what.replaceAll(' ', '-')}.yaml`, content);
    expect(stderr).toContain(file);
    expect(stderr).toMatch(message);
  });

  test('no file, or a folder', async () => {
    for (const [name, message] of [
      [folder.file('none.yaml'), 'there is no such file'],
      [folder.path, 'this is a folder, not an experiment file'],
    ]) {
      const store = folder.file('none.surge');
      const { code, stderr } = await surge(['run', name, '--store', store]);
      expect(code).toBe(2);
      expect(stderr).toBe(`${name}: ${message}\n`);
      expect(existsSync(store)).toBe(false);
    }
  });
});
