import { describe, expect, it } from 'vitest';
import { drawFigure, type FigureData } from '#shared/figure/draw.ts';
import { figureSpecificationSchema, type FigureSpecificationInput } from '#shared/figure/specification.ts';
import { printStyle } from '#shared/figure/style.ts';
import { syntheticFigureData } from '../../support/figure-data.ts';
import { specification } from '../experiment/specifications.ts';

const synthetic = syntheticFigureData({ marks: 20 });
const data: FigureData = {
  experiment: (name) => ({
    ...synthetic.experiment(name),
    specification: specification(
      name === 'plain' ? {} : { schedule: { kind: 'linear', warmUpSteps: 4, final: 0.1 } },
    ),
  }),
};
const caption = (input: FigureSpecificationInput) =>
  drawFigure(figureSpecificationSchema.parse(input), data, { width: 500, style: printStyle }).caption.text;

describe('captions of experiments with a schedule', () => {
  it.each(['losses', 'heat-map', 'ridge', 'migration', 'curves'] as const)('say so below %s', (kind) => {
    expect(caption({ kind, experiment: 'scheduled' })).toMatch(
      /[^.]\. Learning rates are the peaks of a schedule \(warm-up of 4 steps, then linear decay to 10 %\)\.$/,
    );
    expect(caption({ kind, experiment: 'plain' })).not.toContain('schedule');
  });

  it('say which of several it is', () => {
    expect(caption({ kind: 'compare', experiments: ['plain', 'scheduled'] })).toMatch(
      /Learning rates are the peaks of a schedule \(scheduled: warm-up of 4 steps, .*\)\.$/,
    );
  });
});
