import { describe, expect, it } from 'vitest';
import { importSweep } from '#shared/import/collect.ts';
import { compareNames, groupValues } from '#shared/import/families.ts';
import { mappingSchema } from '#shared/import/mapping.ts';
import type { ImportMappingInput } from '#shared/import/mapping.ts';
import { describeReport } from '#shared/import/report.ts';
import type { ImportedSweep } from '#shared/import/sweep.ts';
import type { TextChunks } from '#shared/import/text.ts';

const columns = { learningRate: 'lr', batchSize: 'bs', loss: 'loss' };

const read = (chunks: TextChunks, mapping: ImportMappingInput = { columns }) =>
  importSweep(chunks, mappingSchema.parse(mapping));

async function accepted(text: string, mapping?: ImportMappingInput): Promise<ImportedSweep> {
  const result = await read([text], mapping);
  if (!result.ok) throw new Error(result.message);
  return result;
}

async function refused(text: string, mapping?: ImportMappingInput): Promise<string> {
  const result = await read([text], mapping);
  if (result.ok) throw new Error('the import was not refused');
  expect(result).not.toHaveProperty('families');
  return result.message;
}

describe('the mapping', () => {
  it('needs a loss with its learning rate, or steps to a target, and rules with one condition', () => {
    const parse = (value: unknown) => mappingSchema.safeParse(value).success;
    expect(parse({ columns })).toBe(true);
    expect(parse({ columns: { batchSize: 'bs', loss: 'loss' } })).toBe(false);
    expect(parse({ columns: { batchSize: 'bs', learningRate: 'lr' } })).toBe(false);
    expect(parse({ columns: { batchSize: 'bs', stepsToTarget: 's' } })).toBe(true);
    expect(parse({ columns, failures: [{ column: 'x', above: 1, below: 0 }] })).toBe(false);
    expect(parse({ columns, colour: 'red' })).toBe(false);
  });
});

describe('collecting rows', () => {
  it('builds the grid and counts what is missing', async () => {
    const sweep = await accepted('lr,bs,loss,seed\n0.1,8,1,0\n0.1,8,2,1\n0.2,8,3,0\n0.1,16,4,0\n', {
      columns: { ...columns, seed: 'seed' },
    });
    const [family] = sweep.families;
    expect(family).toMatchObject({
      label: 'all rows',
      batchSizes: [8, 16],
      learningRates: [0.1, 0.2],
      seeds: ['0', '1'],
    });
    expect(family.cells.map((cell) => cell.line)).toEqual([2, 3, 4, 5]);
    expect(family.missing).toBe(4);
  });

  it('drops rows it cannot read, with reasons and line numbers', async () => {
    const sweep = await accepted(
      'lr,bs,loss\n0.1,8,1\nfast,8,1\n0.1,,1\n-0.1,8,1\n0.1,8\n"0,5",8,1\n0.2,8,\n0.3,inf,1\n0.4,8,3\n',
    );
    expect(sweep.report).toMatchObject({ rowsRead: 9, rowsKept: 2, rowsDropped: 7 });
    expect(Object.fromEntries(sweep.report.dropped.map(({ reason, lines }) => [reason, lines[0]]))).toEqual({
      '"lr" is not a number': 3,
      '"bs" is empty': 4,
      '"lr" is not positive': 5,
      'row has 2 fields where the header has 3': 6,
      '"lr" has a comma in the number: switch decimalComma on': 7,
      '"loss" is empty': 8,
      '"bs" is not finite': 9,
    });
    expect(describeReport(sweep.report)[0]).toBe('9 rows read, 2 kept, 7 dropped.');
    expect(describeReport(sweep.report)[1]).toMatch(/^Dropped 1: .* \(line 3\)\.$/);
  });

  it('keeps failed runs as failed cells, the first rule naming them', async () => {
    const sweep = await accepted(
      'lr,bs,loss,flag\n0.1,8,1,no\n0.2,8,NaN,no\n0.4,8,9,no\n0.8,8,,YES\n1.6,8,inf,yes\n',
      {
        columns,
        failures: [
          { label: 'stopped', column: 'flag', equals: 'yes' },
          { label: 'blew up', column: 'loss', above: 5 },
        ],
      },
    );
    expect(sweep.families[0].cells.map((cell) => cell.failure)).toEqual([
      null,
      'blew up',
      'blew up',
      'stopped',
      'stopped',
    ]);
    expect(sweep.report.rowsDropped).toBe(0);
    const plain = await accepted('lr,bs,loss\n0.1,8,1\n0.2,8,NaN\n');
    expect(plain.families[0].cells[1].failure).toBe('loss not finite');
  });

  it('judges a curve by its end: a high first loss is no failure, a NaN on the way is one', async () => {
    const sweep = await accepted(
      'lr,bs,step,loss\n0.1,8,1,11\n0.1,8,2,3\n0.2,8,1,11\n0.2,8,2,9\n0.4,8,1,11\n0.4,8,2,NaN\n0.4,8,3,1\n',
      {
        columns: { ...columns, step: 'step' },
        failures: [{ label: 'diverged', column: 'loss', above: 5 }],
      },
    );
    const cells = sweep.families[0].cells;
    expect(cells.map(({ failure, failureStep }) => [failure, failureStep])).toEqual([
      [null, null],
      ['diverged', 2],
      ['diverged', 2],
    ]);
    expect(sweep.report.failed).toEqual([{ reason: 'diverged', count: 2, lines: [5, 7] }]);
  });

  it('reports duplicate cells with both lines and keeps the first', async () => {
    const sweep = await accepted('lr,bs,loss\n0.1,8,1\n0.2,8,2\n0.1,8,1\n0.2000001,8,5\n');
    expect(sweep.report.duplicates).toEqual([
      { line: 4, firstLine: 2, what: 'batch size 8, learning rate 0.1', identical: true },
      { line: 5, firstLine: 3, what: 'batch size 8, learning rate 0.2', identical: false },
    ]);
    expect(sweep.families[0].cells.map((cell) => cell.loss)).toEqual([1, 2]);
    expect(sweep.report).toMatchObject({ rowsKept: 2, rowsDropped: 2, duplicateCount: 2 });
  });

  it('sorts curves by step, whatever the order of the file, and finds doubled steps', async () => {
    const sweep = await accepted('lr,bs,step,loss\n0.1,8,20,1\n0.1,8,10,2\n0.1,8,20,7\n0.1,8,30,0.5\n', {
      columns: { ...columns, step: 'step' },
    });
    const [cell] = sweep.families[0].cells;
    expect(cell.curve).toEqual({
      steps: Float64Array.of(10, 20, 30),
      losses: Float64Array.of(2, 1, 0.5),
    });
    expect(cell).toMatchObject({ loss: 0.5, step: 30 });
    expect(sweep.report.duplicates).toEqual([
      { line: 4, firstLine: 2, what: 'batch size 8, learning rate 0.1, step 20', identical: false },
    ]);
  });

  it('groups learning rates within a family only, to the most frequent spelling', async () => {
    const text =
      'model,lr,bs,loss\n' +
      'a,0.0003453,8,1\na,0.000345,16,1\na,0.0003453,32,1\nb,0.000345,8,1\nb,0.000345,16,1\n';
    const sweep = await accepted(text, { columns, families: ['model'] });
    expect(sweep.families.map((family) => family.learningRates)).toEqual([[0.0003453], [0.000345]]);
    expect(sweep.report.notes[0]).toContain('model = a: 1 learning rates were written in two ways');
    const strict = await accepted(text, { columns, families: ['model'], learningRateTolerance: 0 });
    expect(strict.families[0].learningRates).toEqual([0.000345, 0.0003453]);
  });

  it('takes one family for one number however it is written, and orders names by size', async () => {
    const sweep = await accepted('D,lr,bs,loss\n4e9,0.1,8,1\n4000000000,0.2,8,1\n1e9,0.1,8,1\n', {
      columns,
      families: ['D'],
    });
    expect(sweep.families.map((family) => family.key.D)).toEqual(['1000000000', '4000000000']);
    expect(['1.2B', '85M', 'tiny', '604M', 'base'].sort(compareNames)).toEqual([
      '85M',
      '604M',
      '1.2B',
      'base',
      'tiny',
    ]);
  });

  it('turns the sign of values to be maximised', async () => {
    const sweep = await accepted('lr,bs,loss\n0.1,8,0.9\n', { columns, goal: 'maximize' });
    expect(sweep.families[0].cells[0].loss).toBe(-0.9);
  });

  it('reads semicolons with decimal commas, a byte-order mark and CRLF', async () => {
    const sweep = await accepted('\ufefflr;bs;loss\r\n0,001;8;2,5\r\n', { columns, decimalComma: true });
    expect(sweep.families[0].cells[0]).toMatchObject({ learningRate: 0.001, batchSize: 8, loss: 2.5 });
  });

  it('reads JSON lines by their first character', async () => {
    const sweep = await accepted(
      '\n{"config": {"lr": 0.1, "bs": 8}, "loss": 1}\n{"config": {"lr": 0.2, "bs": 8}, "loss": NaN}\n',
      {
        columns: { learningRate: 'config.lr', batchSize: 'config.bs', loss: 'loss' },
      },
    );
    expect(sweep.families[0].cells.map((cell) => cell.failure)).toEqual([null, 'loss not finite']);
  });

  it('refuses mixed units without scales, and converts them with', async () => {
    const text = 'lr,bs,unit,loss\n0.1,8,sequences,1\n0.1,4096,tokens,1\n';
    const batch = { unit: 'tokens', unitColumn: 'unit' };
    expect(await refused(text, { columns, batch })).toMatch(
      /^Line 3: batch sizes have mixed units: "sequences" \(line 2\), "tokens" \(line 3\)/,
    );
    const scaled = await accepted(text, {
      columns,
      batch: { ...batch, scales: { sequences: 1024, tokens: 1 } },
    });
    expect(scaled.families[0].batchSizes).toEqual([4096, 8192]);
  });

  it('notices when steps x batch does not give the tokens', async () => {
    const sweep = await accepted('lr,bs,step,tokens,loss\n0.1,8,100,1638400,1\n0.1,16,100,800,1\n', {
      columns: { ...columns, step: 'step', tokens: 'tokens' },
      batch: { unit: 'sequences', tokensPerUnit: 2048 },
    });
    expect(sweep.report.notes[0]).toMatch(/\(line 3\): is the unit of the batch size right\?$/);
  });

  it('says what a sweep allows and why not the rest', async () => {
    const lines = ['lr,bs,loss'];
    for (const bs of [8, 16, 32]) for (const lr of [0.1, 0.2, 0.4]) lines.push(`${lr},${bs},1`);
    const [family] = (await accepted(lines.join('\n'))).families;
    const byName = Object.fromEntries(family.analyses.map((entry) => [entry.analysis, entry]));
    expect(byName.ridge.possible).toBe(true);
    expect(byName['three-point optimum'].possible).toBe(true);
    expect(byName.migration).toMatchObject({
      possible: false,
      reason: 'there is one value a cell, no curve',
    });
    expect(byName['seed intervals']).toMatchObject({ possible: false, reason: 'there is one seed' });
  });
});

describe('files that cannot be imported', () => {
  it('are refused as a whole with a reason', async () => {
    expect(await refused('')).toBe('The file is empty.');
    expect(await refused(' \n\r\n')).toBe('The file is empty.');
    expect(await refused('lr,bs,loss\n')).toBe('The file has a header but no rows.');
    expect(await refused('loss\n1\n2\n')).toMatch(/^Line 1: only one column/);
    expect(await refused('lr,batch,loss\n0.1,8,1\n')).toBe(
      'The file has no column "bs". Its columns are "lr", "batch", "loss".',
    );
    expect(await refused('{"lr": 1, "loss": 2}\n')).toBe('No row has the column "bs".');
    expect(await refused('lr,bs,loss\nx,y,z\n')).toMatch(
      /^Line 2: None of the 1 rows can be used; most often "bs" is not a number/,
    );
    expect(await refused('\u0089PNG\r\n\u001a\n\u0000\u0000')).toMatch(/not a text file/);
  });

  it('leave nothing behind when they break late', async () => {
    const good = Array.from({ length: 1000 }, (_, i) => `${(i + 1) / 1000},8,1`).join('\n');
    const result = await read([`lr,bs,loss\n${good}\n`, '\u0000\u0000\u0000']);
    expect(result).toMatchObject({ ok: false, line: 1002, report: { rowsRead: 1000 } });
    expect(result).not.toHaveProperty('families');
  });

  it('pass on errors of the source', async () => {
    async function* broken(): AsyncGenerator<string> {
      yield 'lr,bs,loss\n0.1,8,1\n';
      await Promise.resolve();
      throw new Error('disk gone');
    }
    await expect(read(broken())).rejects.toThrow('disk gone');
  });
});

describe('long files', () => {
  it('stream: memory does not grow with the rows that repeat', async () => {
    // Two million rows, all dropped but one: the collector keeps nothing of them but counts.
    const chunk = '0.1,8,bad\n'.repeat(20_000);
    function* file(): Generator<string> {
      yield 'lr,bs,loss\n0.1,8,1\n';
      for (let i = 0; i < 100; i++) yield chunk;
    }
    const before = process.memoryUsage().heapUsed;
    const result = await read(file());
    const grown = process.memoryUsage().heapUsed - before;
    expect(result.report).toMatchObject({ rowsRead: 2_000_001, rowsKept: 1 });
    expect(grown).toBeLessThan(150e6);
  }, 60_000);
});

describe('grouping values', () => {
  it('does not chain: a group spans no more than the tolerance', () => {
    const values = Array.from({ length: 10 }, (_, i) => 1.008 ** i);
    const groups = groupValues(new Map(values.map((value) => [value, 1])), 0.01);
    for (const [value, representative] of groups) {
      expect(Math.abs(value / representative - 1)).toBeLessThanOrEqual(0.0101);
    }
    expect(new Set(groups.values()).size).toBe(5);
  });
});
