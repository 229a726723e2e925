/** Labelled rows of a CSV file: a header, one column with the class as a whole number, every other column a feature. */
import { readFileSync } from 'node:fs';
import { csvParseRows } from 'd3';
import type { LabelledExamples } from './classification.ts';
import { DataError } from './classification.ts';

/** Throws a DataError that names the file, the line and the column. `label` is the name of the class column. */
export function readCsvExamples(file: string, label: string): LabelledExamples {
  let rows: string[][];
  try {
    rows = csvParseRows(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new DataError(`${file}: cannot be read (${(error as Error).message})`);
  }
  const header = rows[0];
  if (header === undefined || rows.length < 2)
    throw new DataError(`${file}: needs a header and at least one row`);
  const labelColumn = header.indexOf(label);
  if (labelColumn < 0)
    throw new DataError(`${file}:1: has no column ${label}; its columns are ${header.join(', ')}`);
  const features = header.length - 1;
  if (features === 0) throw new DataError(`${file}:1: has no column but ${label}`);
  const body = rows.slice(1).filter((row) => row.length > 1 || row[0] !== '');
  const images = new Float32Array(body.length * features);
  const labels = new Int32Array(body.length);
  body.forEach((row, i) => {
    const line = i + 2;
    if (row.length !== header.length)
      throw new DataError(
        `${file}:${line}: has ${row.length} values where the header has ${header.length} columns`,
      );
    let feature = i * features;
    row.forEach((text, column) => {
      const value = text.trim() === '' ? NaN : Number(text);
      if (column === labelColumn) {
        if (!Number.isInteger(value) || value < 0 || value > 1e6)
          throw new DataError(`${file}:${line} ${label}: is "${text}"; classes are whole numbers from 0`);
        labels[i] = value;
      } else if (Number.isFinite(value)) images[feature++] = value;
      else throw new DataError(`${file}:${line} ${header[column]}: is "${text}", not a finite number`);
    });
  });
  return { features, image: null, images, labels };
}
