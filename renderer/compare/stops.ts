/** Stops that several experiments share. */
import type { CurveSet } from '#shared/analysis/curves.ts';
import { placeOfStop, stopsOf, type ScrubDefinition, type ScrubKind } from '#renderer/watch/model/stops.ts';

const MOST = 200;

/**
 * Where at least two of the experiments (one, when there is only one) have something to show: in the order of training,
 * at most 200, the first and the last among them.
 */
export function sharedStops(sets: readonly CurveSet[], kind: ScrubKind): ScrubDefinition[] {
  const own = sets.map((curves) => stopsOf(curves, kind)).filter((stops) => stops.length > 0);
  if (own.length === 0) return [];
  const needed = Math.min(2, own.length) - 1;
  const ends = own
    .map((stops) => stops.map(placeOfStop))
    .map((list) => [Math.min(...list), Math.max(...list)]);
  const low = ends.map(([least]) => least).sort((a, b) => a - b)[needed];
  const high = ends.map(([, most]) => most).sort((a, b) => b - a)[needed];
  const byPlace = new Map(own.flat().map((stop) => [placeOfStop(stop), stop]));
  const sign = kind === 'equal-loss' ? -1 : 1;
  const places = [...byPlace.keys()]
    .filter((place) => place >= low && place <= high)
    .sort((a, b) => sign * (a - b));
  const every = Math.max(1, (places.length - 1) / (MOST - 1));
  return Array.from({ length: Math.min(places.length, MOST) }, (_, i) => {
    const stop = byPlace.get(places[Math.round(i * every)]);
    if (stop === undefined) throw new Error('a place without its stop');
    return stop;
  });
}
