/** One table as one file: CSV, JSON lines or Parquet. */
import { open } from 'node:fs/promises';
import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { toCsvRow } from '#shared/figure/csv.ts';
import type { Column, Field, Table } from './table.ts';
import { underTemporaryName, writeWhole } from './write-whole.ts';

export const tableFormats = ['csv', 'parquet', 'jsonl'] as const;
export type TableFormat = (typeof tableFormats)[number];

/** JSON has no non-finite numbers: they are the texts "NaN", "Infinity" and "-Infinity". */
export function jsonValue(value: Field): Field {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

const parquetTypes = { text: 'STRING', integer: 'INT64', real: 'DOUBLE' } as const;
/** Rows a row group: the memory that a large table needs. */
const ROW_GROUP = 100_000;

function parquetValue({ type }: Column): (field: Field) => unknown {
  return type === 'integer' ? (field) => (field === null ? null : BigInt(field)) : (field) => field;
}

async function writeParquet(file: string, { columns, rows }: Table, onRow: () => void): Promise<number> {
  return underTemporaryName(file, async (partial) => {
    const handle = await open(partial, 'w');
    try {
      const types = columns.map(({ name, type }) => ({ name, type: parquetTypes[type], nullable: true }));
      const bytes = new ByteWriter();
      const writer = new ParquetWriter({
        writer: bytes,
        schema: schemaFromColumnData({ columnData: types.map((column) => ({ ...column, data: [] })) }),
        createdBy: 'Surge Lab',
      });
      /** What is encoded so far goes to the file; `offset` goes on counting the whole file's bytes. */
      const flush = async () => {
        await handle.writeFile(new Uint8Array(bytes.buffer, 0, bytes.index));
        bytes.index = 0;
      };
      const convert = columns.map(parquetValue);
      let group: unknown[][] = columns.map(() => []);
      const writeGroup = async () => {
        const columnData = types.map((column, i) => ({ ...column, data: group[i] }));
        await writer.write({ columnData, rowGroupSize: ROW_GROUP });
        group = columns.map(() => []);
        await flush();
      };
      for (const row of rows()) {
        onRow();
        for (const [i, field] of row.entries()) group[i].push(convert[i](field));
        if (group[0].length === ROW_GROUP) await writeGroup();
      }
      // A file without a row group is still a table with columns.
      if (group[0].length > 0) await writeGroup();
      await writer.finish();
      await flush();
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/** Returns rows and bytes. The file has its name only when it is complete. */
export async function writeTable(
  file: string,
  table: Table,
  format: TableFormat,
): Promise<{ readonly rows: number; readonly bytes: number }> {
  let count = 0;
  const counted = () => void count++;
  const names = table.columns.map(({ name }) => name);
  function* lines(line: (row: readonly Field[]) => string): Generator<string> {
    for (const row of table.rows()) {
      counted();
      yield line(row);
    }
  }
  function* csv(): Generator<string> {
    yield toCsvRow(names);
    yield* lines(toCsvRow);
  }
  const object = (row: readonly Field[]) =>
    `${JSON.stringify(Object.fromEntries(row.map((field, i) => [names[i], jsonValue(field)])))}\n`;
  let bytes: number;
  switch (format) {
    case 'csv':
      bytes = await writeWhole(file, csv());
      break;
    case 'jsonl':
      bytes = await writeWhole(file, lines(object));
      break;
    case 'parquet':
      bytes = await writeParquet(file, table, counted);
  }
  return { rows: count, bytes };
}
