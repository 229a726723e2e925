/** Figures with their names, and what commands write of them beside their result: SVG, and exactly the drawn data as CSV. */
import { toCsv } from '#shared/figure/csv.ts';
import type { Figure } from '#shared/figure/figure.ts';
import { serialise } from '#shared/figure/tree.ts';
import { fileName, withoutDuplicates } from './print/names.ts';
import { writeFiles } from './print/write-files.ts';

export interface NamedFigure {
  /** File name without extension. */
  readonly name: string;
  readonly figure: Figure;
}

/** Named after its experiment (or preset) and its kind. */
export function named(experimentName: string, kind: string, figure: Figure): NamedFigure {
  return { name: `${fileName(experimentName)}-${kind}`, figure };
}

/**
 * Writes NAME.svg and NAME.csv of each figure into `folder`, which is made when it is absent. Returns the paths. No file
 * appears unless all can be written.
 */
export async function writeDrawn(figures: readonly NamedFigure[], folder: string): Promise<string[]> {
  return writeFiles(
    folder,
    withoutDuplicates(figures).flatMap(({ name, figure }) => [
      { name: `${name}.svg`, bytes: serialise(figure.tree) },
      { name: `${name}.csv`, bytes: toCsv(figure.data) },
    ]),
  );
}
