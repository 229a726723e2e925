/** What states, flags and omissions mean, in words that a hover or a list shows. */
import type { OptimumFlag } from '#shared/analysis/optimum.ts';
import type { PeakFlag } from '#shared/analysis/peak.ts';
import type { CellState } from '#shared/experiment/stack.ts';
import type { Omission } from '#shared/figure/figure.ts';
import { count, decimal } from '#renderer/parts/formats.ts';
import type { ScrubDefinition, ScrubKind } from './model/stops.ts';

export interface StateWords {
  readonly glyph: string;
  readonly words: string;
  readonly meaning: string;
}

export const stateWords: Readonly<Record<CellState, StateWords>> = {
  planned: { glyph: '▫', words: 'planned', meaning: 'Waits for its turn.' },
  running: { glyph: '◐', words: 'training', meaning: 'Trains now.' },
  done: { glyph: '■', words: 'done', meaning: 'Trained to its last step.' },
  diverged: { glyph: '✕', words: 'diverged', meaning: 'Its loss stopped being a number. That is a result.' },
  'out-of-memory': {
    glyph: '▣',
    words: 'out of memory',
    meaning: 'The machine had too little memory for it.',
  },
  interrupted: { glyph: '‖', words: 'interrupted', meaning: 'Stopped on the way; it goes on from there.' },
  failed: { glyph: '!', words: 'failed', meaning: 'It could not be trained; its log says why.' },
};

export const optimumFlagWords: Readonly<Record<OptimumFlag, string>> = {
  'edge-low': 'the best learning rate is the lowest one: the optimum may lie below',
  'edge-high': 'the best learning rate is the highest one: the optimum may lie above',
  'one-learning-rate': 'only one learning rate was run: nothing was compared',
  'diverged-neighbour': 'stands next to a learning rate at which a run diverged',
  'censored-neighbour': 'stands next to a learning rate that did not reach the target',
  'missing-neighbour': 'a learning rate beside the best one has not been run (yet)',
  flat: 'flat: near-optimal learning rates reach from one end to the other',
  'few-seeds': 'fewer than three seeds',
  'unpaired-seeds': 'learning rates have no seed in common: no interval',
  'missing-cells': 'some cells have no value here (yet)',
  'censored-cells': 'some cells did not reach the target, or too near their end',
  'early-target': 'the target was reached in fewer than ten steps',
  'first-mark': 'the target was reached by the first mark: its step is an upper bound',
  'coarse-marks': 'target and further steps lie between the same two marks: interpolated, not measured',
  interpolated: 'no mark at this step: interpolated between the marks around it',
  'few-points': 'fewer than five learning rates: too few to smooth',
  'not-convex': 'the smooth fit does not curve upwards at its minimum',
};

export const peakFlagWords: Readonly<Record<PeakFlag, string>> = {
  'one-batch-size': 'only one batch size has an optimum',
  'few-batch-sizes-below': 'fewer than three batch sizes below the peak',
  'few-batch-sizes-above': 'fewer than three batch sizes above the peak',
  'missing-batch-sizes': 'some batch sizes have no optimum here: the peak is that of the others',
  'below-resolution': 'on one side at least the ridge falls by less than one step of the learning rates',
  'uncertain-optimum': 'the optimum at the peak is itself at an edge, beside a divergence, or flat',
  'few-seeds': 'fewer than three seeds',
};

export const omissionWords: Readonly<Record<Omission, string>> = {
  diverged: 'Learning rates at which a seed diverged have no mean and are marked by a cross.',
  censored: 'Did not reach the target loss in the steps trained, or too near the end.',
  missing: 'No value here yet: not trained so far.',
  clipped: 'Far above the others (beyond Tukey’s outer fence): not drawn, so that the others can be read.',
  'intervals clipped': 'The interval goes on beyond the axis; an arrow shows where.',
  'lines beyond the axis': 'Lies beyond the axis and is not drawn.',
  'not on a log axis': 'Zero or negative: has no place on a logarithmic axis.',
  uncertain: 'Drawn hollow: at the edge of the learning rates, flat, or from fewer than three seeds.',
  'without optimum': 'No learning rate has a mean here, so there is no optimum.',
};

export const definitionWords: Readonly<
  Record<ScrubKind, { readonly title: string; readonly short: string; readonly meaning: string }>
> = {
  'equal-steps': {
    title: 'equal steps',
    short: 'step',
    meaning:
      'Learning rates are compared by their held-out loss after the same number of optimizer steps. Larger batches have then seen more samples.',
  },
  'equal-samples': {
    title: 'equal samples',
    short: 'samples',
    meaning:
      'Learning rates are compared by their held-out loss after the same number of training samples. Larger batches have then taken fewer steps.',
  },
  'equal-loss': {
    title: 'equal loss',
    short: 'target loss',
    meaning:
      'Each run trains to the target loss; learning rates are compared by the loss 10 steps later (arXiv 2405.14578, section 3).',
  },
};

/** 'step 40', '5 280 samples', 'loss 0.71' */
export function stopWords(definition: ScrubDefinition): string {
  switch (definition.kind) {
    case 'equal-steps':
      return `step ${count(definition.step)}`;
    case 'equal-samples':
      return `${count(Number(definition.samples.toPrecision(6)))} samples`;
    case 'equal-loss':
      return `loss ${decimal(definition.target)}`;
  }
}
