/** External workloads as files say them: what is run, what is refused, what makes another cell. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cellConfigurations } from '#shared/experiment/cells.ts';
import type { CellValues } from '#shared/experiment/external-call.ts';
import { programCall } from '#shared/experiment/external-call.ts';
import { externalWorkloadSchema } from '#shared/experiment/external.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import { parseSpecification } from '#shared/experiment/validate.ts';
import { smallInput } from './specifications.ts';

const cell: CellValues = {
  learningRate: 3e-7,
  batchSize: 64,
  seed: 2,
  steps: 100,
  marks: [1, 10, 100],
  output: '/a b/{seed}',
  optimizer: { kind: 'external', name: '{batchSize}', settings: { beta: 0.9 } },
  threads: 3,
};

const workload = (change: object) =>
  externalWorkloadSchema.parse({ kind: 'external', command: ['train'], ...change });

function parsed(change: object, optimizer: object = { kind: 'external', name: 'SGD' }) {
  const result = parseSpecification({
    ...smallInput,
    workload: { kind: 'external', command: ['train'], ...change },
    optimizer,
  });
  return result.ok
    ? { problems: [], warnings: result.warnings }
    : { problems: result.problems.map(({ path, message }) => `${path.join('.')}: ${message}`), warnings: [] };
}

describe('what is run', () => {
  test('placeholders are filled in once, within arguments and variables', () => {
    const call = programCall(
      workload({
        command: [
          '{seed}',
          '--lr={learningRate}',
          '{batchSize}/{steps}',
          '{marks}',
          '{output}',
          '{optimizer}',
          '{x}',
        ],
        environment: { WHERE: '{output}', FAST: true, COUNT: 3 },
      }),
      cell,
    );
    expect(call.program).toBe('2');
    expect(call.arguments).toEqual(['--lr=3e-7', '64/100', '1,10,100', '/a b/{seed}', '{batchSize}', '{x}']);
    expect(call.environment).toMatchObject({
      WHERE: '/a b/{seed}',
      FAST: 'true',
      COUNT: '3',
      SURGE_LEARNING_RATE: '3e-7',
      SURGE_MARKS: '1,10,100',
      SURGE_OPTIMIZER_SETTINGS: '{"beta":0.9}',
      OMP_NUM_THREADS: '3',
    });
  });

  test('any argument without a placeholder arrives as it is', () => {
    fc.assert(
      fc.property(fc.array(fc.string().filter((text) => !/\{[A-Za-z]+\}/.test(text))), (rest) => {
        expect(programCall(workload({ command: ['p', ...rest] }), cell).arguments).toEqual(rest);
      }),
    );
  });

  test('a learning rate is read back as the very same number', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-30, max: 1e30, noNaN: true }), (learningRate) => {
        const call = programCall(workload({ command: ['p', '{learningRate}'] }), { ...cell, learningRate });
        expect(Number(call.arguments[0])).toBe(learningRate);
      }),
    );
  });

  test('what a file sets in the environment goes before the defaults, never before the lab', () => {
    expect(programCall(workload({ environment: { OMP_NUM_THREADS: 8 } }), cell).environment).toMatchObject({
      OMP_NUM_THREADS: '8',
      SURGE_THREADS: '3',
    });
  });
});

describe('what is refused', () => {
  test.each([
    [{ command: [' '] }, 'workload.command.0: must be a program'],
    [{ command: ['a', 'b\0'] }, 'workload.command.1: must not contain a NUL character'],
    [
      { command: ['a', 'b'], shell: true },
      'workload.command: must be one text when shell is true: the shell splits it',
    ],
    [
      { command: ['train {learningRate}'], shell: true },
      'workload.command.0: a shell gets no {learningRate}, since it would read the value as shell text; write "$SURGE_LEARNING_RATE"',
    ],
    [{ environment: { 'A B': '1' } }, 'workload.environment.A B: is not a name of a variable'],
    [{ environment: { SURGE_SEED: 1 } }, 'workload.environment.SURGE_SEED: is set by the lab'],
    [
      { environment: { CUDA_VISIBLE_DEVICES: 0 }, gpus: 1 },
      'workload.environment.CUDA_VISIBLE_DEVICES: is set by the lab when gpus is given',
    ],
    [
      { results: { from: 'csv', file: '../a.csv' } },
      'workload.results.file: lies in the output folder of each cell: give a path inside it, and let the program write to {output}',
    ],
    [
      { results: { from: 'tensorboard', folder: '/runs' } },
      'workload.results.folder: lies in the output folder of each cell: give a path inside it, and let the program write to {output}',
    ],
    [
      { metrics: { evaluationLoss: 'loss' } },
      'workload.metrics.evaluationLoss: has the same name as trainingLoss ("loss"): give the one that the program does not report another name',
    ],
  ])('%j', (change, problem) => {
    expect(parsed(change).problems).toEqual([problem]);
  });

  test('an optimizer of the lab, and the other way round', () => {
    expect(parsed({}, { kind: 'adam' }).problems).toEqual([
      'optimizer.kind: must be external for an external workload, whose program optimizes by itself: { kind: external, name: adam }',
    ]);
    const result = parseSpecification({ ...smallInput, optimizer: { kind: 'external', name: 'SGD' } });
    expect(result).toMatchObject({ ok: false, problems: [{ path: ['optimizer', 'kind'] }] });
  });

  test('a placeholder that does not exist is a warning, since braces may be meant', () => {
    const { warnings, problems } = parsed({ command: ['awk', '{print}'], environment: { A: '{lr} {seed}' } });
    expect(problems).toEqual([]);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('workload: {print} is handed over as it is');
    expect(warnings[1]).toContain('{lr}');
  });
});

test('limits and the sharing of the machine make no other cell; what is run does', () => {
  const cells = (change: object) => {
    const result = parseSpecification({
      ...smallInput,
      workload: { kind: 'external', command: ['train'], ...change },
      optimizer: { kind: 'external', name: 'SGD' },
    });
    if (!result.ok) throw new Error('a problem');
    return cellConfigurations(result.specification, expandGrid(result.specification), 'a checksum');
  };
  expect(cells({ timeLimit: 5, silenceLimit: 2, parallel: 3, gpus: 0 })).toEqual(cells({}));
  for (const change of [
    { command: ['other'] },
    { environment: { A: 1 } },
    { divergesAbove: 9 },
    { folder: '/x' },
  ])
    expect(cells(change)).not.toEqual(cells({}));
});
