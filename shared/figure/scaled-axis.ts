/** A linear axis of very small or very large values: their power of ten stands once in the title, not at every tick. */
import type { Label } from './label.ts';
import { linearAxis, type Axis } from './scales.ts';

/** Values with more digits than these are scaled. */
const SMALLEST = 1e-2;
const LARGEST = 1e4;

export interface ScaledAxis {
  readonly axis: Axis;
  /** Behind the title: " (10⁻⁵)", or nothing. */
  readonly unit: Label;
}

/** `domain` as for linearAxis; places are of the unscaled values. */
export function scaledAxis(domain: readonly [number, number]): ScaledAxis {
  const largest = Math.max(Math.abs(domain[0]), Math.abs(domain[1]));
  const exponent = Math.floor(Math.log10(largest));
  if (!Number.isFinite(exponent) || (largest >= SMALLEST && largest < LARGEST))
    return { axis: linearAxis(domain), unit: [] };
  const factor = 10 ** -exponent;
  const inner = linearAxis([domain[0] * factor, domain[1] * factor]);
  return {
    axis: {
      scale: 'linear',
      descending: false,
      domain,
      place: (value) => inner.place(value * factor),
      ticks: (room) => inner.ticks(room).map((tick) => ({ ...tick, value: tick.value / factor })),
    },
    unit: [{ text: ' (10' }, { text: String(exponent).replace('-', '−'), raised: true }, { text: ')' }],
  };
}
