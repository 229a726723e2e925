/** What a panel leaves out or must be read with, as chips: each lists what it counts, and offers the fix where there is one. */
import type { Ridge } from '#shared/analysis/ridge.ts';
import type { CellState } from '#shared/experiment/stack.ts';
import { cellStates } from '#shared/experiment/stack.ts';
import { omissions, seedCount, seedNote, Tally, type Omission } from '#shared/figure/figure.ts';
import { seriesOf } from '#shared/figure/from-analysis.ts';
import { statusOf } from '#shared/figure/loss-panels.ts';
import type { Axis } from '#shared/figure/scales.ts';
import { count, learningRate } from '#renderer/parts/formats.ts';
import type { LiveCurves } from './model/live-curves.ts';
import type { StopView } from './model/scrub.ts';
import { omissionWords, optimumFlagWords, peakFlagWords, stateWords } from './words.ts';

export interface OmissionItem {
  readonly text: string;
  /** Cells of the grid that it stands for. */
  readonly cells: readonly number[];
}

export interface OmissionNote {
  readonly id: string;
  readonly text: string;
  readonly glyph: string;
  readonly look: 'plain' | 'warn' | 'bad';
  readonly meaning: string;
  /** Put together when somebody asks: a note may count thousands. */
  readonly items: () => readonly OmissionItem[];
  /** What would help. */
  readonly fix: 'show-clipped' | 'refine' | 'rerun' | null;
}

const troubled: readonly CellState[] = ['failed', 'out-of-memory', 'interrupted'];

/** One chip a state that is not plainly done. */
export function stateNotes(live: LiveCurves): OmissionNote[] {
  const { batchSizes, learningRates, seeds } = live.curves;
  const byState = cellStates.map((): number[] => []);
  for (const [cell, state] of live.states.entries()) byState[state]?.push(cell);
  return cellStates.flatMap((state, i): OmissionNote[] => {
    const cells = byState[i];
    if (cells.length === 0 || state === 'done') return [];
    const { glyph, words, meaning } = stateWords[state];
    const item = (cell: number): OmissionItem => {
      const place = Math.floor(cell / seeds.length);
      const batch = Math.floor(place / learningRates.length);
      const at = live.divergedAt(cell);
      return {
        text: `B = ${count(batchSizes[batch])}, ${learningRate(learningRates[place % learningRates.length])}, seed ${seeds[cell % seeds.length]}${at === null ? '' : `, at step ${count(at)}`}`,
        cells: [cell],
      };
    };
    const isTrouble = troubled.includes(state);
    return [
      {
        id: state,
        text: `${count(cells.length)} ${words}`,
        glyph,
        look: isTrouble ? 'bad' : 'plain',
        meaning,
        items: () => cells.map(item),
        fix: state === 'failed' || state === 'out-of-memory' ? 'rerun' : null,
      },
    ];
  });
}

/** Means that are not drawn where they stand, and why. */
export function lossNotes(live: LiveCurves, view: StopView, ridge: Ridge, axis: Axis): OmissionNote[] {
  const { batchSizes, learningRates, seeds } = live.curves;
  const found = new Map<Omission, number[]>();
  for (const [batch, points] of view.lines.entries())
    for (const [rate, point] of points.entries()) {
      const reason = reasonOf(point, axis);
      if (reason === null) continue;
      const list = found.get(reason) ?? [];
      found.set(reason, list);
      list.push(batch * learningRates.length + rate);
    }
  const item = (place: number): OmissionItem => ({
    text: `B = ${count(batchSizes[Math.floor(place / learningRates.length)])}, ${learningRate(learningRates[place % learningRates.length])}`,
    cells: Array.from(seeds, (_, i) => place * seeds.length + i),
  });
  const notes = omissions.flatMap((reason): OmissionNote[] => {
    const places = found.get(reason);
    if (places === undefined) return [];
    return [
      {
        id: reason,
        text: `${count(places.length)} ${reason}`,
        glyph: reason === 'diverged' ? '✕' : '',
        look: 'plain',
        meaning: omissionWords[reason],
        items: () => places.map(item),
        fix: reason === 'clipped' ? 'show-clipped' : null,
      },
    ];
  });
  return [...notes, ...seedNotes(live, ridge)];
}

function reasonOf(point: Parameters<typeof statusOf>[0], axis: Axis): Omission | null {
  const status = statusOf(point);
  if (status !== 'finite') return status;
  const place = axis.place(point.loss);
  if (place === null) return 'not on a log axis';
  return place < 0 || place > 1 ? 'clipped' : null;
}

function seedNotes(live: LiveCurves, ridge: Ridge): OmissionNote[] {
  const known = ridge.points.filter((point) => point.learningRate !== null);
  if (known.length === 0) return [];
  const planned = live.curves.seeds.length;
  const seeds = seedCount(
    known.map((point) => point.seeds),
    planned,
  );
  const short = known.filter((point) => point.seeds < planned);
  return [
    {
      id: 'seeds',
      text: seedNote(seeds),
      glyph: '',
      look: short.length > 0 || planned < 3 ? 'warn' : 'plain',
      meaning:
        short.length > 0
          ? 'Means are over the seeds that every learning rate of a batch size has. These batch sizes have fewer than planned:'
          : planned < 3
            ? 'Fewer than three seeds: optima are drawn hollow, and intervals say little.'
            : 'Every mean is over all planned seeds.',
      items: () =>
        short.map((point) => ({
          text: `B = ${count(point.batchSize)}: ${count(point.seeds)} of ${count(planned)}`,
          cells: [],
        })),
      fix: null,
    },
  ];
}

/** What the optima must be read with. */
export function ridgeNotes(ridge: Ridge, axis: Axis): OmissionNote[] {
  const notes: OmissionNote[] = [];
  const { points } = ridge;
  const edge = points.filter(({ flags }) => flags.includes('edge-low') || flags.includes('edge-high'));
  if (edge.length > 0)
    notes.push({
      id: 'edge',
      text: `${count(edge.length)} at the edge: widen LR`,
      glyph: '↕',
      look: 'warn',
      meaning:
        'The best learning rate is the lowest or highest one that was run: the optimum may lie beyond.',
      items: () =>
        edge.map(({ batchSize, flags }) => ({
          text: `B = ${count(batchSize)}: ${flags.includes('edge-low') ? 'lowest' : 'highest'} learning rate`,
          cells: [],
        })),
      fix: 'refine',
    });
  const hollow = seriesOf(NaN, ridge).points.filter(
    (point) => point.learningRate !== null && point.uncertain,
  );
  if (hollow.length > 0)
    notes.push({
      id: 'uncertain',
      text: `${count(hollow.length)} uncertain (hollow)`,
      glyph: '○',
      look: 'plain',
      meaning: omissionWords.uncertain,
      items: () =>
        hollow.map(({ batchSize }) => ({
          text: `B = ${count(batchSize)}: ${flagText(points.find((one) => one.batchSize === batchSize)?.flags ?? [])}`,
          cells: [],
        })),
      fix: null,
    });
  const without = points.filter((point) => point.learningRate === null);
  if (without.length > 0)
    notes.push(
      plain(
        'without optimum',
        without.map(({ batchSize }) => `B = ${count(batchSize)}`),
      ),
    );
  const outside = points.filter(({ learningRate: rate }) => {
    const place = rate === null ? 0.5 : (axis.place(rate) ?? 0.5);
    return place < 0 || place > 1;
  });
  if (outside.length > 0)
    notes.push(
      plain(
        'clipped',
        outside.map(({ batchSize }) => `B = ${count(batchSize)}`),
      ),
    );
  const flags = ridge.peak?.flags ?? [];
  if (flags.length > 0)
    notes.push({
      id: 'peak',
      text: `peak: ${count(flags.length)} ${flags.length === 1 ? 'caution' : 'cautions'}`,
      glyph: '☆',
      look: 'plain',
      meaning: 'What the peak must be read with:',
      items: () => flags.map((flag) => ({ text: peakFlagWords[flag], cells: [] })),
      fix: null,
    });
  return notes;
}

/** What the path of the peak must be read with. */
export function pathNotes(path: readonly { readonly ridge: Ridge }[], stops: number): OmissionNote[] {
  const tally = new Tally();
  for (const { ridge } of path) {
    const { peak } = seriesOf(NaN, { ...ridge, points: [] });
    if (peak === null) tally.add('without optimum');
    else if (peak.uncertain) tally.add('uncertain');
  }
  const notes = Object.entries(tally.counts()).map(([reason, number]): OmissionNote => {
    const isUncertain = reason === 'uncertain';
    return {
      id: reason,
      text: isUncertain ? `${count(number)} uncertain (hollow)` : `${count(number)} without a peak`,
      glyph: isUncertain ? '○' : '',
      look: 'plain',
      meaning: isUncertain
        ? 'The peak is at the smallest or largest batch size, or its optimum is itself uncertain.'
        : 'No batch size has an optimum there.',
      items: () => [],
      fix: null,
    };
  });
  if (path.length < stops)
    notes.push({
      id: 'computing',
      text: `${count(path.length)} of ${count(stops)} so far`,
      glyph: '…',
      look: 'plain',
      meaning: 'The path is being computed.',
      items: () => [],
      fix: null,
    });
  return notes;
}

function flagText(flags: Ridge['points'][number]['flags']): string {
  return flags.map((flag) => optimumFlagWords[flag]).join('; ');
}

function plain(reason: Omission, items: readonly string[]): OmissionNote {
  return {
    id: reason,
    text: `${count(items.length)} ${reason}`,
    glyph: '',
    look: 'plain',
    meaning: omissionWords[reason],
    items: () => items.map((text) => ({ text, cells: [] })),
    fix: null,
  };
}
