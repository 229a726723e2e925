import { describe, expect, it } from 'vitest';
import { importSweep } from '#shared/import/collect.ts';
import { combineMappings } from '#shared/import/mapping.ts';
import { IMPORT_PRESETS, presetFor } from '#shared/import/presets.ts';
import { runPattern } from '#shared/import/run-pattern.ts';
import type { ImportedSweep } from '#shared/import/sweep.ts';

const match = (pattern: string, name: string) => {
  const found = runPattern(pattern).match(name);
  return found === null ? null : Object.fromEntries(found);
};

describe('run patterns', () => {
  it('read numbers where numbers must be and text elsewhere', () => {
    expect(match('lr={learningRate},bs={batchSize},seed={seed}', 'lr=1e-3,bs=64,seed=0')).toEqual({
      learningRate: '1e-3',
      batchSize: '64',
      seed: '0',
    });
    expect(match('lr{learningRate}-bs{batchSize}', 'lr1e-3-bs64')).toEqual({
      learningRate: '1e-3',
      batchSize: '64',
    });
    expect(match('{model}_{learningRate}_b{batchSize}*', 'gpt small_.5_b8_2026')).toEqual({
      model: 'gpt small',
      learningRate: '.5',
      batchSize: '8',
    });
    expect(match('a.b({learningRate})', 'a.b(2)')).toEqual({ learningRate: '2' });
    expect(match('a.b({learningRate})', 'aXb(2)')).toBeNull();
    expect(match('lr={learningRate}', 'lr=fast')).toBeNull();
  });

  it('match the whole name or its end after a slash', () => {
    expect(match('lr={learningRate}', 'sweeps/a/lr=2')).toEqual({ learningRate: '2' });
    expect(match('lr={learningRate}', 'maxlr=2')).toBeNull();
    expect(match('{model}/lr={learningRate}', 'sweeps/a/lr=2')).toEqual({ model: 'a', learningRate: '2' });
    expect(match('lr={learningRate}', 'lr=2/train')).toBeNull();
    expect(match('lr={learningRate}*', 'lr=2/train')).toEqual({ learningRate: '2' });
  });

  it('are refused with a reason', () => {
    expect(() => runPattern('lr')).toThrow('reads nothing');
    expect(() => runPattern('{seed}{seed}')).toThrow('has {seed} twice');
    expect(() => runPattern('{learning rate}')).toThrow('a brace that belongs to no {name}');
  });
});

const chart = combineMappings(
  { ...presetMapping('wandb-chart') },
  { runs: { pattern: 'lr={learningRate},bs={batchSize},seed={seed}' } },
);

function presetMapping(name: string): Record<string, unknown> {
  const preset = IMPORT_PRESETS.find((p) => p.name === name);
  if (preset === undefined) throw new Error(`there is no preset ${name}`);
  return { ...preset.mapping };
}

async function accepted(lines: readonly string[], mapping = chart): Promise<ImportedSweep> {
  const result = await importSweep([lines.join('\n')], mapping);
  if (!result.ok) throw new Error(result.message);
  return result;
}

async function refused(lines: readonly string[], mapping = chart): Promise<string> {
  const result = await importSweep([lines.join('\n')], mapping);
  if (result.ok) throw new Error('the import was not refused');
  return result.message;
}

const run = (lr: number, seed: number) => `lr=${lr},bs=64,seed=${seed}`;
const header = (metric = 'loss', runs = [run(0.1, 0), run(0.2, 0)]) =>
  ['Step', ...runs.flatMap((name) => ['', '__MIN', '__MAX'].map((end) => `${name} - ${metric}${end}`))]
    .map((name) => `"${name}"`)
    .join(',');

describe('W&B chart exports', () => {
  it('become one curve a run; blanks are no rows and the ranges are left out', async () => {
    const sweep = await accepted([
      header(),
      '"10","3","2","9","2.5","2","9"',
      '"20","","","","2","1","9"',
      '"30","1","0","9","NaN","",""',
    ]);
    const [family] = sweep.families;
    expect(sweep.report).toMatchObject({ rowsRead: 5, rowsKept: 5 });
    expect(family).toMatchObject({ batchSizes: [64], learningRates: [0.1, 0.2], seeds: ['0'] });
    expect(family.cells[0].curve).toEqual({
      steps: Float64Array.of(10, 30),
      losses: Float64Array.of(3, 1),
    });
    expect(family.cells[1]).toMatchObject({ failure: 'loss not finite', failureStep: 30 });
  });

  it('leave out runs with other names, and say so', async () => {
    const sweep = await accepted([header('loss', [run(0.1, 0), 'swift-sun-7']), '1,2,2,2,2,2,2']);
    expect(sweep.families[0].cells).toHaveLength(1);
    expect(sweep.report.notes).toEqual([
      '1 runs were left out, since their names do not have the pattern: swift-sun-7.',
    ]);
  });

  it('are refused without a pattern, axis, metric or matching run', async () => {
    const rows = [header(), '1,2,2,2,2,2,2'];
    expect(await refused(rows, combineMappings(presetMapping('wandb-chart')))).toMatch('give the pattern');
    expect(await refused(['"Epoch","a - loss"', '1,2'])).toMatch('no column "Step"');
    expect(await refused(['"Step","a"', '1,2'])).toMatch('no chart export');
    expect(await refused(['"Step","a - loss","a - accuracy"', '1,2,3'])).toMatch('Choose the metric');
    expect(await refused(['"Step","a - loss"', '1,2'])).toMatch("No run's name has the pattern");
  });

  it('choose one of several metrics', async () => {
    const name = run(0.1, 0);
    const mapping = combineMappings(chart, { runs: { metric: 'val/loss' } });
    const sweep = await accepted([`"Step","${name} - loss","${name} - val/loss"`, '1,2,7'], mapping);
    expect(sweep.families[0].cells[0].loss).toBe(7);
  });
});

describe('W&B run tables', () => {
  it('are read by the preset, with other names by a mapping over it', async () => {
    const rows = ['"Name","State","lr","batch_size","seed","loss","eval/loss"'];
    for (const lr of [0.1, 0.2]) rows.push(`"a","finished","${lr}","8","0","1","2"`);
    rows.push('"c","crashed","0.4","8","0","","3"');
    const sweep = await accepted(rows, combineMappings(presetMapping('wandb-runs')));
    expect(sweep.report.failed).toEqual([{ reason: 'crashed', count: 1, lines: [4] }]);
    expect(sweep.families[0].cells.map(({ loss }) => loss)).toEqual([1, 1, NaN]);
    const other = combineMappings(presetMapping('wandb-runs'), {
      columns: { loss: 'eval/loss', seed: 'seed' },
    });
    expect((await accepted(rows, other)).families[0].cells.map(({ loss }) => loss)).toEqual([2, 2, 3]);
  });
});

describe('combined mappings', () => {
  it('replace single columns, and take seed and families from the pattern', () => {
    const mapping = combineMappings(
      presetMapping('tensorboard'),
      { columns: { learningRate: 'lr' } },
      { runs: { pattern: '{model}/bs={batchSize},seed={seed}' } },
    );
    expect(mapping.columns).toEqual({
      learningRate: 'lr',
      batchSize: 'batchSize',
      step: 'step',
      loss: 'loss',
      seed: 'seed',
    });
    expect(mapping.families).toEqual(['model']);
  });

  it('know event files by their names', () => {
    expect(presetFor('/a/events.out.tfevents.1700000000.host.1.0')?.name).toBe('tensorboard');
    expect(presetFor('/a/events.csv')).toBeUndefined();
  });
});
