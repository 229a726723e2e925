/** Figures kept with an experiment: drawn when they are kept, and again after new data, with what changed. */
import type { ParsedArgument } from '#shared/api/contract.ts';
import { ApiError } from '#shared/api/errors.ts';
import type { FigureFile, KeptFigure, RedrawnFigure } from '#shared/api/types.ts';
import { figureDifference } from '#shared/figure/difference.ts';
import type { SavedFigure, SavedFigureRecord } from '#shared/figure/saved-figure.ts';
import type { ExperimentSummary, WritableStore } from '../store/types.ts';

type Draw = (argument: ParsedArgument<'figures.render'>) => Promise<FigureFile[]>;

/** Characters of the data of one figure: the journal keeps every version. */
const MOST_DATA = 2_000_000;

export function keptFigure({ name, savedAt, specification, preset, experiments }: SavedFigure): KeptFigure {
  return { name, savedAt, specification, preset, experiments };
}

/** Throws ApiError when it cannot be drawn: what cannot be drawn is not kept. */
export async function keepFigure(
  store: () => WritableStore,
  owner: ExperimentSummary,
  { name, ...chosen }: ParsedArgument<'figures.keep'>,
  draw: Draw,
): Promise<KeptFigure> {
  const csv = await dataOf(chosen, draw);
  const writer = store();
  writer.keepFigure(owner.id, name, { ...chosen, csv });
  return keptFigure(writer.figures(owner.id).find((figure) => figure.name === name)!);
}

/** A figure that can no longer be drawn keeps its old numbers and says why. */
export async function redrawFigures(
  store: () => WritableStore,
  owner: ExperimentSummary,
  draw: Draw,
): Promise<RedrawnFigure[]> {
  const redrawn: RedrawnFigure[] = [];
  for (const { name, savedAt: _, csv: before, ...record } of store().figures(owner.id)) {
    let after: string;
    try {
      after = await dataOf(record, draw);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      redrawn.push({ name, problem: error.message, difference: null });
      continue;
    }
    const comparable = before !== '' && after !== '';
    // Every version stays in the journal: the same numbers are not written again.
    if (after !== before) store().keepFigure(owner.id, name, { ...record, csv: after });
    redrawn.push({
      name,
      problem: comparable ? '' : 'The data of this figure are too large to be kept and compared.',
      difference: comparable ? figureDifference(before, after) : null,
    });
  }
  return redrawn;
}

/** '' when there are too many. */
async function dataOf(record: Omit<SavedFigureRecord, 'csv'>, draw: Draw): Promise<string> {
  const [{ bytes }] = await draw({
    experiments: [...record.experiments],
    specification: record.specification as ParsedArgument<'figures.render'>['specification'],
    preset: record.preset,
    formats: ['csv'],
    dotsPerInch: 300,
  });
  const csv = new TextDecoder().decode(bytes);
  return csv.length > MOST_DATA ? '' : csv;
}
