/** Figures of the science commands, at their widths and under their names. */
import { predictionFigure, type PredictionInput } from '#shared/figure/prediction-figure.ts';
import { protocolFigure, type ProtocolInput } from '#shared/figure/protocol-figure.ts';
import { ridgeFigure, type RidgeInput } from '#shared/figure/ridge-figure.ts';
import { COLUMN_WIDTH, FULL_WIDTH } from '#shared/figure/sheet.ts';
import { POINTS_PER_MILLIMETRE } from '#shared/figure/tree.ts';
import { theoryFigure, type TheoryInput } from '#shared/figure/theory-figure.ts';
import { named, type NamedFigure } from './figures.ts';

/** None where there is no ridge. */
export function drawRidge(input: RidgeInput | null): NamedFigure[] {
  if (input === null) return [];
  return [named(input.name, 'laws', ridgeFigure(input, { width: COLUMN_WIDTH * POINTS_PER_MILLIMETRE }))];
}

export function drawProtocol(input: ProtocolInput): NamedFigure[] {
  return [
    named(input.name, 'protocol', protocolFigure(input, { width: FULL_WIDTH * POINTS_PER_MILLIMETRE })),
  ];
}

export function drawTheory(input: TheoryInput): NamedFigure[] {
  return [named(input.name, 'theory', theoryFigure(input, { width: FULL_WIDTH * POINTS_PER_MILLIMETRE }))];
}

export function drawPrediction(input: PredictionInput): NamedFigure[] {
  const figure = predictionFigure(input, { width: FULL_WIDTH * POINTS_PER_MILLIMETRE });
  return [named(input.name, 'prediction', figure)];
}
