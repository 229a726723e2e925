import type { ImportMapping } from '#shared/import/mapping.ts';

export type MappedField = keyof ImportMapping['columns'];

/** The fields of a mapping in the order of the form. */
export const mappedFields: readonly {
  readonly name: MappedField;
  readonly label: string;
  readonly hint: string;
}[] = [
  { name: 'batchSize', label: 'Batch size', hint: 'needed' },
  { name: 'learningRate', label: 'Learning rate', hint: 'needed with a loss' },
  { name: 'loss', label: 'Loss', hint: 'at its step, or final' },
  { name: 'stepsToTarget', label: 'Steps to a target', hint: 'for sweeps that report those' },
  { name: 'step', label: 'Step', hint: 'several a cell make curves' },
  { name: 'seed', label: 'Seed', hint: 'replicates give intervals' },
  { name: 'lossError', label: 'Standard error of the loss', hint: '' },
  { name: 'tokens', label: 'Tokens', hint: '' },
];

/** '3, 8, 12 and 40 more' of `count` lines whose first ones are known. */
export function linesText(lines: readonly number[], count: number): string {
  const shown = lines.slice(0, 6).join(', ');
  return count > Math.min(6, lines.length) ? `${shown} and ${count - Math.min(6, lines.length)} more` : shown;
}
