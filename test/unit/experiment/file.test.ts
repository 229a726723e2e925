import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExperimentFile, specificationToYaml } from '#shared/experiment/file.ts';
import { workloadSchema } from '#shared/experiment/specification.ts';
import { specification, specifications } from './specifications.ts';

const kinds = workloadSchema.options.map((option) => option.shape.kind.value).join(', ');

/** Each field on a line of its own, so that a wrong value has a line to be told by. */
const lines = [
  'name: digits', // 1
  'workload:', // 2
  '  kind: mlp', // 3
  '  hidden: [32]', // 4
  'optimizer: { kind: sign }', // 5
  'learningRates:', // 6
  '  log:', // 7
  '    from: 3e-4', // 8
  '    to: 3e-2', // 9
  '    count: 24', // 10
  'batchSizes:', // 11
  '  list: [1, 2, 4]', // 12
  'seeds: 8', // 13
  'length:', // 14
  '  steps: 160', // 15
];
const valid = lines.join('\n');

/** The file with some lines replaced, by their number. */
function file(change: Readonly<Record<number, string>>): string {
  return lines.map((line, i) => change[i + 1] ?? line).join('\n');
}

function told(text: string): string[] {
  const parsed = parseExperimentFile(text);
  if (parsed.ok) throw new Error('the file was accepted');
  return parsed.problems.map(
    ({ line, column, field, message }) => `${line ?? '-'}:${column ?? '-'} ${field}: ${message}`,
  );
}

describe('files', () => {
  it('become specifications with every default filled in', () => {
    const parsed = parseExperimentFile(valid);
    expect(parsed).toEqual({
      ok: true,
      warnings: [],
      specification: specification({
        name: 'digits',
        workload: { kind: 'mlp', hidden: [32] },
        learningRates: { log: { from: 3e-4, to: 3e-2, count: 24 } },
        batchSizes: { list: [1, 2, 4] },
        seeds: 8,
        length: { steps: 160 },
      }),
    });
  });

  it.each([
    ['JSON', JSON.stringify(specification())],
    ['JSON indented with tabs', JSON.stringify(specification(), null, '\t')],
    ['a byte order mark', `\uFEFF${specificationToYaml(specification())}`],
    ['carriage returns', specificationToYaml(specification()).replaceAll('\n', '\r\n')],
    ['a leading ---', `---\n${specificationToYaml(specification())}`],
  ])('may have %s', (_, text) => {
    expect(parseExperimentFile(text)).toMatchObject({ ok: true, specification: specification() });
  });

  it('may use anchors and aliases', () => {
    const text = file({ 11: 'batchSizes: &sizes', 12: '  list: [1, 2]', 13: 'marks: { list: [7] }' });
    expect(parseExperimentFile(text).ok).toBe(true);
    expect(told(text.replace('marks: { list: [7] }', 'evaluation: *sizes'))).toEqual([
      '12:3 evaluation.list: is not a known field; known are examples',
    ]);
  });

  it('with numbers as YAML 1.2 has them: 3e-4 is a number', () => {
    for (const number of ['3e-4', '3E-4', '0.0003', '.0003', '3.0e-4', '+3e-4'])
      expect(parseExperimentFile(file({ 8: `    from: ${number}` }))).toMatchObject({
        ok: true,
        specification: { learningRates: { log: { from: 3e-4 } } },
      });
  });

  it('written by the product are read back as they were', () => {
    fc.assert(
      fc.property(specifications, (any) => {
        expect(parseExperimentFile(specificationToYaml(any))).toMatchObject({ ok: true, specification: any });
      }),
      { numRuns: 300 },
    );
  });
});

describe('wrong values are told by field and line', () => {
  it.each<[string, Readonly<Record<number, string>>, string[]]>([
    ['an unknown field', { 13: 'seed: 8' }, ['13:1 seed: is not a known field; did you mean seeds?']],
    [
      'an unknown field deep inside',
      { 10: '    cuont: 24' },
      [
        '7:3 learningRates.log.count: is missing',
        '10:5 learningRates.log.cuont: is not a known field; did you mean count?',
      ],
    ],
    [
      'an unknown field like no other',
      { 15: '  steps: 160\nzzz: 1' },
      [
        '16:1 zzz: is not a known field; known are name, notes, workload, optimizer, schedule, gradientClipping, microBatch, learningRates, batchSizes, seeds, length, marks, evaluation, recordTrainingLoss, order, streams',
      ],
    ],
    [
      'a field of another kind',
      { 5: 'optimizer: { kind: sign, momentum: 0.9 }' },
      ['5:26 optimizer.momentum: belongs to kind momentum or kind nesterov only'],
    ],
    [
      'text for a number',
      { 8: '    from: small' },
      ['8:11 learningRates.log.from: must be a number, not the text "small"'],
    ],
    [
      'a quoted number',
      { 8: '    from: "1e-3"' },
      [
        '8:11 learningRates.log.from: must be a number, not the text "1e-3" (write the number without quotes)',
      ],
    ],
    [
      'a number with a separator',
      { 15: '  steps: 1_000' },
      ['15:10 length.steps: must be a number, not the text "1_000"'],
    ],
    ['NaN', { 8: '    from: .nan' }, ['8:11 learningRates.log.from: must be a number, not NaN']],
    ['infinity', { 9: '    to: .inf' }, ['9:9 learningRates.log.to: must be a number, not Infinity']],
    [
      'a number too large for a double',
      { 9: '    to: 1e400' },
      ['9:9 learningRates.log.to: must be a number, not Infinity'],
    ],
    ['nothing', { 8: '    from:' }, ['8:10 learningRates.log.from: must be a number, not nothing']],
    [
      'a negative rate',
      { 8: '    from: -3e-4' },
      ['8:11 learningRates.log.from: must be positive (got -0.0003)'],
    ],
    [
      'zero on a log range',
      { 8: '    from: 0' },
      ['8:11 learningRates.log.from: must be positive (got 0); a logarithmic range cannot contain zero'],
    ],
    [
      'an exponent for a rate',
      { 8: '    from: -18.42' },
      ['8:11 learningRates.log.from: must be positive (got -18.42)'],
    ],
    [
      'a negative batch size',
      { 12: '  list: [1, -2, 4]' },
      ['12:13 batchSizes.list[1]: must be positive (got -2)'],
    ],
    [
      'half a batch',
      { 12: '  list: [1, 2.5]' },
      ['12:13 batchSizes.list[1]: must be a whole number, not 2.5'],
    ],
    [
      '1e308 values',
      { 10: '    count: 1e308' },
      ['10:12 learningRates.log.count: must be at most 10,000 (got 1e+308)'],
    ],
    ['1e308 seeds', { 13: 'seeds: 1e308' }, ['13:8 seeds: must be at most 100,000 (got 1e+308)']],
    [
      '1e308 cells by a tiny step',
      { 7: '  linear:', 10: '    step: 1e-308' },
      ['10:11 learningRates.linear.step: would give 3.0e+306 values; at most 10,000 are allowed'],
    ],
    [
      'too many cells',
      { 10: '    count: 10000', 13: 'seeds: 100' },
      [
        '6:1 learningRates: the grid has 3,000,000 cells (10,000 learning rates × 3 batch sizes × 100 seeds); at most 1,000,000 are allowed',
      ],
    ],
    ['a value twice', { 12: '  list: [1, 2, 1]' }, ['12:16 batchSizes.list[2]: 1 is on the axis twice']],
    ['a seed twice', { 13: 'seeds: [0, 1, 0]' }, ['13:15 seeds[2]: seed 0 is listed twice']],
    ['a negative seed', { 13: 'seeds: [0, -1]' }, ['13:12 seeds[1]: must be at least 0 (got -1)']],
    [
      'text for seeds',
      { 13: 'seeds: many' },
      ['13:8 seeds: must be a number or a list, not the text "many"'],
    ],
    ['an empty axis', { 12: '  list: []' }, ['12:3 batchSizes.list: must have at least one entry']],
    [
      'no axis',
      { 11: 'batchSizes: {}', 12: '' },
      ['11:1 batchSizes: give exactly one of log, linear or list'],
    ],
    [
      'two axes in one',
      { 12: '  list: [1]\n  linear: { from: 1, to: 2, count: 2 }' },
      ['11:1 batchSizes: give exactly one of log, linear or list'],
    ],
    [
      'two lengths',
      { 15: '  steps: 160\n  samples: 5' },
      ['14:1 length: has samples and steps; give only one of them'],
    ],
    ['no length', { 14: 'length: {}', 15: '' }, ['14:1 length: needs steps or samples']],
    [
      'two spacings',
      { 10: '    count: 24\n    perDecade: 3' },
      ['7:3 learningRates.log: has perDecade and count; give only one of them'],
    ],
    [
      'from above to',
      { 8: '    from: 1' },
      ['8:11 learningRates.log.from: must not be above to (from is 1, to is 0.03)'],
    ],
    [
      'an unknown kind',
      { 3: '  kind: mpl', 4: '' },
      [`3:9 workload.kind: must be one of ${kinds}, not the text "mpl"; did you mean mlp?`],
    ],
    ['no kind', { 3: '' }, [`2:1 workload.kind: is missing: one of ${kinds}`]],
    [
      'a choice that is none',
      { 13: 'order: random' },
      ['13:8 order: must be one of coarse-to-fine, nested, not the text "random"'],
    ],
    [
      'yes for true',
      { 13: 'recordTrainingLoss: yes' },
      ['13:21 recordTrainingLoss: must be true or false, not the text "yes"'],
    ],
    ['a missing field', { 1: '' }, ['2:1 name: is missing']],
    [
      'a list for a group',
      { 5: 'optimizer: [sign]' },
      ['5:1 optimizer: must be a group of fields, not a list'],
    ],
    ['a number for a group', { 5: 'optimizer: 3' }, ['5:12 optimizer: must be a group of fields, not 3']],
    ['an empty name', { 1: 'name: ""' }, ['1:7 name: must not be empty']],
    [
      'more digits than there are',
      { 13: 'evaluation: { examples: 10000 }' },
      [
        '13:25 evaluation.examples: must be below 10,000, since there are that many digits and the rest is trained on (got 10000)',
      ],
    ],
    [
      'half an evaluation set',
      { 4: '  data: { source: idx, images: a, labels: b, evaluationImages: c }' },
      [
        '4:3 workload.data.evaluationLabels: is missing: give evaluationImages and evaluationLabels together, or neither',
      ],
    ],
  ])('%s', (_, change, problems) => {
    expect(told(file(change))).toEqual(problems);
  });

  it('all at once, in the order of the file', () => {
    expect(
      told(file({ 8: '    from: 0', 13: 'seeds: -1', 15: '  steps: x' })).map((text) => text.split(' ')[1]),
    ).toEqual(['learningRates.log.from:', 'seeds:', 'length.steps:']);
  });

  it('in a quadratic whose parts do not fit', () => {
    const quadratic = (mu: string, sigma: string, hessian: string, more = '') =>
      file({ 3: '  kind: quadratic', 4: `  mu: ${mu}\n  sigma: ${sigma}\n  hessian: ${hessian}${more}` });
    expect(parseExperimentFile(quadratic('[1, 2]', '[1, 0]', '[[1, .5], [.5, 1]]')).ok).toBe(true);
    expect(told(quadratic('[1, 2]', '[1]', '[[1, 0], [0, 1, 2]]', '\n  start: [0, 0, 0]'))).toEqual([
      '5:3 workload.sigma: has 1 entry where mu has 2',
      '6:21 workload.hessian[1]: has 3 entries where mu has 2',
      '7:3 workload.start: has 3 entries where mu has 2',
    ]);
    expect(told(quadratic('[1, 2]', '[1, 1]', '[[1, 0.5], [0.4, 1]]'))).toEqual([
      '6:24 workload.hessian[1][0]: must equal its mirror image, since a Hessian is symmetric (row 2, column 1 is 0.4; row 1, column 2 is 0.5)',
    ]);
    expect(told(quadratic('[1]', '[-1]', '[[.nan]]'))).toEqual([
      '5:11 workload.sigma[0]: must be at least 0 (got -1)',
      '6:14 workload.hessian[0][0]: must be a number, not NaN',
    ]);
  });
});

describe('files that are no specification', () => {
  it.each<[string, string, string | RegExp]>([
    ['nothing', '', '-:- : the file is empty'],
    ['white space', ' \n\n', '-:- : the file is empty'],
    ['a comment only', '# later\n', '-:- : the file is empty'],
    ['a zip archive', 'PK\u0003\u0004\u0000\u0000', /^-:- : the file is not UTF-8 text/],
    [
      'bytes that are not UTF-8',
      new TextDecoder().decode(new Uint8Array([0x6e, 0xff, 0xfe, 0x3a])),
      /^-:- : the file is not UTF-8 text/,
    ],
    ['UTF-16', 'n\u0000a\u0000m\u0000e\u0000', /^-:- : the file is not UTF-8 text/],
    ['a word', 'hello', '1:1 : must be a group of fields, not the text "hello"'],
    ['a list', '- 1\n- 2\n', '1:1 : must be a group of fields, not a list'],
    [
      'several documents',
      `${valid}\n---\n${valid}`,
      '16:1 : the file holds several documents (---); give each a file of its own',
    ],
    ['a field twice', `${valid}\nname: again`, '16:1 : the same field is given twice'],
    ['a field twice in JSON', '{"name": "a",\n "name": "b"}', '2:2 : the same field is given twice'],
    ['tabs', 'name: a\nlength:\n\tsteps: 3', '3:1 : tabs cannot indent YAML; use spaces'],
    ['an unclosed quote', 'name: "a\n', /^2:1 : the file cannot be read as YAML or JSON: /],
    ['an unknown alias', 'name: *a\n', /^-:- : the file cannot be read as YAML or JSON: /],
    ['endless nesting', '['.repeat(100_000), /the file is nested too deeply/],
    ['too much', `# ${'x'.repeat(5_000_000)}`, /^-:- : the file is too large/],
  ])('%s', (_, text, message) => {
    const [first] = told(text);
    if (typeof message === 'string') expect(first).toBe(message);
    else expect(first).toMatch(message);
  });

  it('bombs of aliases are refused', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh'])
      bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(', ')}]`);
    expect(told(bomb.join('\n'))[0]).toContain('cannot be read');
  });

  it('never throw, whatever they hold', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.json(),
      // A line of a good file replaced by noise.
      fc
        .tuple(fc.integer({ min: 1, max: lines.length }), fc.string({ unit: 'grapheme' }))
        .map(([line, text]) => file({ [line]: text })),
      // Values of all kinds in a place where others belong.
      fc
        .tuple(fc.constantFrom(...Object.keys(specification())), fc.anything({ withBigInt: false }))
        .map(([key, value]) => {
          try {
            return JSON.stringify({ ...specification(), [key]: value });
          } catch {
            return '{}';
          }
        }),
    );
    fc.assert(
      fc.property(anything, (text) => {
        const parsed = parseExperimentFile(text);
        if (!parsed.ok) {
          expect(parsed.problems.length).toBeGreaterThan(0);
          for (const { message } of parsed.problems) expect(message).not.toMatch(/undefined|\[object/);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
