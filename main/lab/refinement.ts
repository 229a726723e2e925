/** More learning rates around the optima of an experiment, as an experiment file. */
import { describeDefinition } from '#shared/analysis/describe.ts';
import { ridgeOf } from '#shared/analysis/ridge.ts';
import type { Definition } from '#shared/analysis/scores.ts';
import { lastSharedMark } from '#shared/analysis/shared-mark.ts';
import { ApiError } from '#shared/api/errors.ts';
import { specificationToYaml } from '#shared/experiment/file.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import { refinedRates } from '#shared/experiment/refine.ts';
import type { Specification } from '#shared/experiment/specification.ts';
import type { CurveSet } from '#shared/analysis/curves.ts';
import type { ExperimentSummary, ReadableStore } from './store/types.ts';
import { specificationOf } from './trained.ts';

export interface RefinementOptions {
  /** How far around each optimum, as a ratio. */
  readonly factor: number;
  /** New learning rates around each optimum. */
  readonly points: number;
}

export const DEFAULT_REFINEMENT: RefinementOptions = { factor: 1.5, points: 4 };

export interface RefinedExperiment {
  readonly text: string;
  /** Ascending. */
  readonly added: readonly number[];
}

/** Null without an optimum to add learning rates around. */
export function refineExperiment(
  specification: Specification,
  curves: CurveSet,
  definition: Definition,
  options: RefinementOptions = DEFAULT_REFINEMENT,
): RefinedExperiment | null {
  const optima = ridgeOf(curves, definition).points.flatMap((p) =>
    p.learningRate === null ? [] : [p.learningRate],
  );
  if (optima.length === 0) return null;
  const known = [...expandGrid(specification).learningRates];
  const added: number[] = [];
  for (const around of optima) added.push(...refinedRates([...known, ...added], { around, ...options }));
  added.sort((a, b) => a - b);
  const { learningRates } = specification;
  const text = specificationToYaml({
    ...specification,
    learningRates: { ...learningRates, extra: [...learningRates.extra, ...added] },
  });
  return { text, added };
}

/** For a window: at equal steps, the last common one unless another is given. Throws ApiError 'not-possible'. */
export function refinedText(
  store: ReadableStore,
  experiment: ExperimentSummary,
  step: number | undefined,
): { text: string; added: number; sentence: string } {
  const specification = specificationOf(experiment);
  const curves = store.curveSet(experiment.id, 'evaluationLoss');
  const definition = { kind: 'equal-steps', step: step ?? lastSharedMark(curves) } as const;
  const refined = refineExperiment(specification, curves, definition);
  const where = describeDefinition(definition);
  if (refined === null)
    throw new ApiError('not-possible', `There is no optimum yet ${where} to add learning rates around.`);
  const { text, added } = refined;
  const { factor } = DEFAULT_REFINEMENT;
  const sentence =
    added.length === 0
      ? `The grid has learning rates all around each optimum ${where} already.`
      : `${added.length} more learning ${added.length === 1 ? 'rate' : 'rates'} within a factor of ${factor} around the optimum of each batch size ${where}. Only the new cells are trained.`;
  return { text, added: added.length, sentence };
}
