/** What differs between experiments, and names made of it. */
import type { ExperimentDetail } from '#shared/api/types.ts';
import { learningRate } from '#renderer/parts/formats.ts';

export interface SettingRow {
  /** 'optimizer.beta1' */
  readonly field: string;
  /** One an experiment; '' where it has no such field. */
  readonly values: readonly string[];
  readonly differs: boolean;
}

/** Fields that are not settings: names and notes differ anyway. */
const LEFT_OUT = ['name', 'notes'];

/** Every setting, the ones that differ first, in the order of the specification. */
export function settingRows(details: readonly ExperimentDetail[]): SettingRow[] {
  const tables = details.map((detail) => new Map(fieldsOf(detail)));
  const fields = [...new Set(tables.flatMap((table) => [...table.keys()]))];
  const rows = fields.map((field): SettingRow => {
    const values = tables.map((table) => table.get(field) ?? '');
    return { field, values, differs: new Set(values).size > 1 };
  });
  return [...rows.filter((row) => row.differs), ...rows.filter((row) => !row.differs)];
}

function fieldsOf(detail: ExperimentDetail): [string, string][] {
  if (detail.specification === null)
    return [
      ['workload.kind', detail.workload],
      ...(detail.optimizer === '' ? [] : [['optimizer.kind', detail.optimizer] as [string, string]]),
      ...(detail.imported === null ? [] : [['imported', detail.imported.label] as [string, string]]),
    ];
  return Object.entries(detail.specification)
    .filter(([field]) => !LEFT_OUT.includes(field))
    .flatMap(([field, value]) => flat(field, value));
}

function flat(field: string, value: unknown): [string, string][] {
  if (Array.isArray(value)) return value.length === 0 ? [] : [[field, listed(value)]];
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, inner]) => flat(`${field}.${name}`, inner));
  return value === undefined ? [] : [[field, plain(value)]];
}

const MOST_LISTED = 8;

function listed(values: readonly unknown[]): string {
  const shown = values.slice(0, MOST_LISTED).map((value) => (typeof value === 'object' ? '…' : plain(value)));
  return `${shown.join(', ')}${values.length > MOST_LISTED ? `, … (${values.length})` : ''}`;
}

function plain(value: unknown): string {
  if (typeof value === 'number')
    return value !== 0 && Math.abs(value) < 1e-2 ? learningRate(value) : String(value);
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

/** More would be a sentence and not a label. */
const MOST_IN_NAME = 3;

/** Legend labels by what varies ('adam, beta1 0.9'), the plain names where that does not tell them apart. */
export function labelsOf(details: readonly ExperimentDetail[]): string[] {
  const varying = settingRows(details).filter(({ field, differs }) => differs && !field.startsWith('marks'));
  const labels = details.map((_, i) =>
    varying
      .slice(0, MOST_IN_NAME)
      .flatMap(({ field, values }) => {
        if (values[i] === '') return [];
        const name = field.split('.').at(-1) ?? field;
        return [name === 'kind' ? values[i] : `${name} ${values[i]}`];
      })
      .join(', '),
  );
  const isTold = labels.every((label) => label !== '') && new Set(labels).size === labels.length;
  if (isTold) return labels;
  const names = details.map((detail) => detail.name);
  return new Set(names).size === names.length
    ? names
    : details.map((d) => `${d.name} (${d.key.slice(0, 6)})`);
}
