import type { Table } from './figure.ts';

type Field = string | number | null;

/**
 * One line of CSV (RFC 4180 with a line feed): numbers at round-trip precision, non-finite ones as NaN, Infinity and
 * -Infinity, null as an empty field.
 */
export function toCsvRow(fields: readonly Field[]): string {
  return `${fields.map(quoted).join(',')}\n`;
}

export function toCsv({ columns, rows }: Table): string {
  return [columns, ...rows].map(toCsvRow).join('');
}

function quoted(value: Field): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
