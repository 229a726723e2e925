/** --figure: the picture of what a command prints, as SVG with its data as CSV. */
import type { Command } from 'commander';
import type { NamedFigure } from '#main/lab/figures.ts';
import { writeDrawn } from '#main/lab/figures.ts';
import { withoutDuplicates } from '#main/lab/print/names.ts';
import { requireOutputFolder } from './output-folder.ts';
import { notice } from './terminal.ts';

export interface FigureOption {
  readonly figure?: string;
}

export function withFigure(command: Command): Command {
  return command.option('--figure <folder>', 'draw it as well: SVG and CSV of the drawn data');
}

/** Before any work is done. Throws BadInput when no files can be written there. */
export async function requireFigureFolder({ figure }: FigureOption): Promise<void> {
  if (figure !== undefined) await requireOutputFolder(figure, '--figure');
}

/** Paths and warnings go to standard error: standard output is the command's result. */
export async function writeFigureOption(
  { figure: folder }: FigureOption,
  draw: () => readonly NamedFigure[],
): Promise<void> {
  if (folder === undefined) return;
  const figures = withoutDuplicates(draw());
  for (const file of await writeDrawn(figures, folder)) notice(`drawn: ${file}`);
  for (const { name, figure } of figures)
    for (const warning of figure.warnings) notice(`${name}: ${warning}`);
}
