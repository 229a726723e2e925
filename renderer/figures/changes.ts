/** Numbers of a table of a figure, which are texts, for a person. */
import { decimal } from '#renderer/parts/formats.ts';

const NOTHING = '–';

/** Three digits of a number, other texts as they are. */
export function shortNumber(text: string): string {
  if (text === '') return NOTHING;
  const value = Number(text);
  return Number.isInteger(value) || !Number.isFinite(value) ? text : decimal(value);
}

/** '+12 %', '−0.3 %'; '' where one of them is no number. */
export function change(before: string, after: string): string {
  const [from, to] = [Number(before), Number(after)];
  if (before === '' || after === '' || !Number.isFinite(from) || !Number.isFinite(to) || from === 0)
    return '';
  const percents = (100 * (to - from)) / Math.abs(from);
  const size = Math.abs(percents);
  const digits = size >= 10 ? 0 : size >= 1 ? 1 : 2;
  if (size < 0.005) return '< 0.01 %';
  return `${percents < 0 ? '−' : '+'}${size.toFixed(digits)} %`;
}
