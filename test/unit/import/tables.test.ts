import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectDelimiter, readDelimited, splitFields } from '#shared/import/delimited.ts';
import type { Delimiter } from '#shared/import/delimited.ts';
import { readJsonLines } from '#shared/import/jsonl.ts';
import { parseNumber } from '#shared/import/numbers.ts';
import { splitLines } from '#shared/import/text.ts';
import type { TextChunks } from '#shared/import/text.ts';

function chop(text: string, size: number): string[] {
  const chunks: string[] = [];
  for (let at = 0; at < text.length; at += size) chunks.push(text.slice(at, at + size));
  return chunks;
}

async function lines(chunks: TextChunks) {
  const result: [number, string][] = [];
  for await (const { line, text } of splitLines(chunks)) result.push([line, text]);
  return result;
}

async function rows(text: string, columns: string[], delimiter?: Delimiter) {
  const table = await readDelimited([text], delimiter);
  const result: { line: number; values: (string | undefined)[]; fault: string | undefined }[] = [];
  for await (const row of table.rows) {
    result.push({ line: row.line, values: columns.map((column) => row.value(column)), fault: row.fault });
  }
  return result;
}

const quote = (field: string) => `"${field.replaceAll('"', '""')}"`;

describe('lines of a text in chunks', () => {
  it('are the same for every chunk size and kind of line end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('a', '1', ',', 'é') }), { minLength: 1, maxLength: 6 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.integer({ min: 1, max: 7 }),
        async (texts, end, size) => {
          const expected = texts.map((text, i) => [i + 1, text]);
          expect(await lines(chop(texts.map((text) => text + end).join(''), size))).toEqual(expected);
        },
      ),
    );
  });
  it('drop a byte-order mark and keep a last line without an end', async () => {
    expect(await lines(['\ufeffa\r', '\nb'])).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
    expect(await lines([])).toEqual([]);
    expect(await lines(['', ''])).toEqual([]);
  });
  it('refuse binary junk with the line', async () => {
    await expect(lines(['lr,bs\n', '\u0000\u0001PK'])).rejects.toThrow(/Line 2: this is not a text file/);
    await expect(lines(['\ufffd\ufffd\ufffd\ufffdab'])).rejects.toThrow(/not a text file/);
  });
  it('refuse a line that never ends', async () => {
    const endless = Array.from({ length: 18 }, () => 'x'.repeat(1024 * 1024));
    await expect(lines(endless)).rejects.toThrow(/longer than/);
  });
});

describe('delimited tables', () => {
  it('round-trip any fields through quoting, in any chunks', async () => {
    const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', ' ', '7', ';') });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 9 }),
        async (body, size) => {
          const text = ['x,y', ...body.map((fields) => fields.map(quote).join(','))].join('\r\n') + '\r\n';
          const table = await readDelimited(chop(text, size), ',');
          const read: (string | undefined)[][] = [];
          for await (const row of table.rows) read.push([row.value('x'), row.value('y')]);
          expect(read).toEqual(body);
        },
      ),
    );
  });
  it('count lines through quoted line ends and blank lines', async () => {
    const read = await rows('lr,note\n1,"two\nlines"\n\n2,b\n', ['lr', 'note']);
    expect(read.map((row) => row.line)).toEqual([2, 5]);
    expect(read[0].values).toEqual(['1', 'two\nlines']);
  });
  it('take a quote inside an unquoted field as text', () => {
    expect(splitFields('5" disk,2', ',')).toEqual(['5" disk', '2']);
    expect(splitFields('"a""b",c,', ',')).toEqual(['a"b', 'c', '']);
  });
  it('find the delimiter from the header', () => {
    expect(detectDelimiter('lr\tbs\tloss')).toBe('\t');
    expect(detectDelimiter('lr;bs;loss')).toBe(';');
    expect(detectDelimiter('"a;b;c;d",bs,loss')).toBe(',');
    expect(detectDelimiter('loss')).toBeNull();
  });
  it('find columns with spaces and slashes, and say how many fields a bad row has', async () => {
    const read = await rows('smooth loss,D/N\n1,2\n3\n4,5,6\n', ['smooth loss', 'D/N']);
    expect(read[0].values).toEqual(['1', '2']);
    expect(read.map((row) => row.fault)).toEqual([
      undefined,
      '1 fields where the header has 2',
      '3 fields where the header has 2',
    ]);
  });
  it('refuse an empty file, one column, doubled names and an open quote, naming the line', async () => {
    await expect(rows('', [])).rejects.toThrow(/empty/);
    await expect(rows('\n\nloss\n1\n', [])).rejects.toThrow(/Line 3: only one column/);
    await expect(rows('loss\n1\n', [], ',')).rejects.toThrow(/only one column/);
    await expect(rows('lr,lr\n1,2\n', [])).rejects.toThrow(/two columns are called "lr"/);
    await expect(rows('lr,bs\n1,2\n3,"4\n5,6\n', ['lr'])).rejects.toThrow(/Line 3: a quote opens here/);
  });
});

describe('JSON lines', () => {
  it('flatten nested members, keep NaN and name faults', async () => {
    const text = [
      '{"config": {"lr": 3e-4, "note": "NaN is text here"}, "loss": NaN, "deep": [1, -Infinity]}',
      '[1, 2]',
      '{"lr": ',
      '',
      '{"loss": null}',
    ].join('\n');
    const read: {
      line: number;
      fault: string | undefined;
      loss: string | undefined;
      lr: string | undefined;
      deep: string | undefined;
      note: string | undefined;
    }[] = [];
    for await (const row of readJsonLines([text]).rows) {
      read.push({
        line: row.line,
        fault: row.fault,
        loss: row.value('loss'),
        lr: row.value('config.lr'),
        deep: row.value('deep.1'),
        note: row.value('config.note'),
      });
    }
    expect(read.map((row) => row.line)).toEqual([1, 2, 3, 5]);
    expect(read[0]).toMatchObject({ loss: 'NaN', lr: '0.0003', deep: '-Infinity', note: 'NaN is text here' });
    expect(read[1].fault).toBe('not a JSON object');
    expect(read[2].fault).toMatch(/^not a JSON object \(/);
    expect(read[3].loss).toBe('');
  });
});

describe('numbers', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const parsed = parseNumber(` ${value} `);
        expect(parsed.kind).toBe('number');
        expect(parsed.kind === 'number' && parsed.value === value).toBe(true);
        expect(parseNumber(String(value).replace('.', ','), true)).toEqual(parsed);
      }),
    );
  });
  it('tell text, empty fields and non-finite values apart', () => {
    expect(['', ' ', 'NA', 'null', undefined].map((text) => parseNumber(text).kind)).toEqual(
      Array(5).fill('empty'),
    );
    expect(
      ['0x10', '3e-4 (best)', '1,5', '1e', '12px', '1 000'].map((text) => parseNumber(text).kind),
    ).toEqual(Array(6).fill('text'));
    expect(['nan', 'NaN', 'inf', '-Infinity', '1e999'].map((text) => parseNumber(text))).toEqual([
      { kind: 'not-finite', value: NaN },
      { kind: 'not-finite', value: NaN },
      { kind: 'not-finite', value: Infinity },
      { kind: 'not-finite', value: -Infinity },
      { kind: 'not-finite', value: Infinity },
    ]);
  });
});
