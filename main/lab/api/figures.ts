/** A figure for a window: the same printing as the command line's, in memory. */
import type { ParsedArgument } from '#shared/api/contract.ts';
import { ApiError } from '#shared/api/errors.ts';
import type { FigureFile } from '#shared/api/types.ts';
import { explainIssues } from '#shared/experiment/explain.ts';
import { findPreset, unknownPreset } from '#shared/figure/figures-file.ts';
import { figureSpecificationSchema } from '#shared/figure/specification.ts';
import { isRefusal, printSet } from '../print/print-set.ts';
import type { ReadableStore } from '../store/types.ts';

export async function renderFigure(
  store: ReadableStore,
  { specification, formats, preset, dotsPerInch }: ParsedArgument<'figures.render'>,
): Promise<FigureFile[]> {
  const parsed = figureSpecificationSchema.safeParse(specification);
  if (!parsed.success) {
    const [{ path, message }] = explainIssues(parsed.error.issues, specification, figureSpecificationSchema);
    const field = path.join('.');
    throw new ApiError('bad-argument', `${field} ${message}`.trim(), `specification.${field}`);
  }
  if (findPreset(preset, {}) === null) throw new ApiError('bad-argument', unknownPreset(preset), 'preset');
  try {
    const [figure] = await printSet([parsed.data], store, {
      formats,
      dpi: dotsPerInch,
      outline: false,
      preset,
    });
    return [...figure.files];
  } catch (error) {
    if (isRefusal(error)) throw new ApiError('not-possible', error.message);
    throw error;
  }
}
