/** The seeds behind a mean: each of them, or their median and quartiles. */
import { quantileSorted } from 'd3';
import type { CurveSet } from '#shared/analysis/curves.ts';
import { code, scoreTable } from '#shared/analysis/scores.ts';
import type { ScrubDefinition } from './stops.ts';

export interface SeedSpread {
  /** [learning rate][seed]; NaN without a value. */
  readonly scores: Float64Array;
  /** Of each learning rate; NaN without any value, and where a seed diverged: its loss has no middle to speak of. */
  readonly median: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Half of the standard error's two-sided width, sd/√n over the seeds with a value; NaN with fewer than two. */
  readonly standardError: Float64Array;
}

export function seedSpread(curves: CurveSet, batch: number, definition: ScrubDefinition): SeedSpread {
  const table = scoreTable(curves, batch, [definition]);
  const { rates, seeds, states, values } = table;
  const spread = {
    scores: new Float64Array(rates * seeds).fill(NaN),
    median: new Float64Array(rates).fill(NaN),
    lower: new Float64Array(rates).fill(NaN),
    upper: new Float64Array(rates).fill(NaN),
    standardError: new Float64Array(rates).fill(NaN),
  };
  for (let rate = 0; rate < rates; rate++) {
    const known: number[] = [];
    let diverged = false;
    for (let seed = 0; seed < seeds; seed++) {
      const cell = rate * seeds + seed;
      if (states[cell] === code.diverged) diverged = true;
      if (states[cell] !== code.finite) continue;
      spread.scores[cell] = values[cell];
      known.push(values[cell]);
    }
    if (diverged || known.length === 0) continue;
    known.sort((a, b) => a - b);
    spread.median[rate] = quantileSorted(known, 0.5) ?? NaN;
    spread.lower[rate] = quantileSorted(known, 0.25) ?? NaN;
    spread.upper[rate] = quantileSorted(known, 0.75) ?? NaN;
    if (known.length < 2) continue;
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    const square = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1);
    spread.standardError[rate] = Math.sqrt(square / known.length);
  }
  return spread;
}
