/** Initial parameters of a stack, from the counter streams. */
import { stream } from '#shared/random/index.ts';
import { elements } from '../engine/program.ts';
import type { StackLayout } from './workload.ts';

/** A parameter of one cell and how it starts: a constant, or normal with mean zero and a standard deviation. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: { readonly constant: number } | { readonly deviation: number };
}

/** [cells, …shape]. Cells with the same seed start alike; the name of the parameter is the name of its stream. */
export function initialValues({ name, shape, start }: Parameter, layout: StackLayout): Float32Array {
  const size = elements(shape);
  const seeds = layout.initialisationSeeds;
  const out = new Float32Array(seeds.length * size);
  if ('constant' in start) return out.fill(start.constant);
  const made = new Map<number, Float32Array>();
  seeds.forEach((seed, cell) => {
    let values = made.get(seed);
    if (values === undefined) {
      values = new Float32Array(size);
      stream(`initialisation/${name}`, seed).fillNormal(values, 0);
      for (let i = 0; i < size; i++) values[i] *= start.deviation;
      made.set(seed, values);
    }
    out.set(values, cell * size);
  });
  return out;
}
