import type { Table } from './figure.ts';

/**
 * The table as CSV (RFC 4180 with line feeds): numbers at round-trip precision, non-finite ones as NaN, Infinity and
 * -Infinity, null as an empty field.
 */
export function toCsv({ columns, rows }: Table): string {
  return [columns, ...rows].map((row) => `${row.map(field).join(',')}\n`).join('');
}

function field(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
