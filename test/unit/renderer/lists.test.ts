import { describe, expect, it } from 'vitest';
import type { ExperimentCard } from '#shared/api/types.ts';
import { keyLabel } from '#renderer/app/key-label.ts';
import { rank } from '#renderer/app/rank.ts';
import { cellEdges, decades, spacedLabels } from '#renderer/design/grid-axes.ts';
import { filterCards } from '#renderer/experiments/filter.ts';

function card(name: string, changes: Partial<ExperimentCard> = {}): ExperimentCard {
  return {
    key: name,
    name,
    state: 'complete',
    reason: '',
    createdAt: 0,
    archived: false,
    notes: '',
    tags: [],
    workload: 'mlp 784-32-10 on digits',
    optimizer: 'adam',
    batchUnit: 'samples',
    cells: 1,
    counts: { planned: 0, running: 0, done: 1, diverged: 0, 'out-of-memory': 0, interrupted: 0, failed: 0 },
    thumbnail: null,
    ...changes,
  };
}

const names = (cards: readonly ExperimentCard[]) => cards.map(({ name }) => name);

describe('the list of experiments', () => {
  const cards = [
    card('width 128', { createdAt: 1, tags: ['paper'] }),
    card('width 32', { createdAt: 3, notes: 'For the PAPER too', state: 'running' }),
    card('old', { createdAt: 2, archived: true, tags: ['paper'] }),
  ];

  it('finds every word, wherever it is', () => {
    expect(names(filterCards(cards, 'paper width', false, 'newest'))).toEqual(['width 32', 'width 128']);
    expect(names(filterCards(cards, 'training', false, 'newest'))).toEqual(['width 32']);
    expect(names(filterCards(cards, 'paper', true, 'newest'))).toEqual(['old']);
    expect(names(filterCards(cards, 'sgd', false, 'newest'))).toEqual([]);
  });

  it('orders by time, by name as people count, by state', () => {
    expect(names(filterCards(cards, '', false, 'oldest'))).toEqual(['width 128', 'width 32']);
    expect(names(filterCards(cards, '', false, 'name'))).toEqual(['width 32', 'width 128']);
    expect(names(filterCards(cards, '', false, 'state'))).toEqual(['width 32', 'width 128']);
  });
});

describe('the command palette', () => {
  it('puts what starts with the words first and leaves out what has not all of them', () => {
    const entries = ['Go to Settings', 'Settings', 'Resettings', 'Import'];
    expect(rank('settings', entries, (entry) => entry)).toEqual(['Settings', 'Go to Settings', 'Resettings']);
    expect(rank('go sett', entries, (entry) => entry)).toEqual(['Go to Settings']);
    expect(rank('', entries, (entry) => entry)).toEqual(entries);
  });

  it('writes keys as they are printed on them', () => {
    expect(keyLabel('Ctrl+K', false)).toBe('Ctrl K');
    expect(keyLabel('Ctrl+K', true)).toBe('⌘ K');
    expect(keyLabel('Shift+ArrowRight', false)).toBe('Shift →');
    expect(keyLabel('Ctrl++', false)).toBe('Ctrl +');
  });
});

describe('the picture of the grid', () => {
  it('puts edges half-way between neighbours on a logarithmic axis', () => {
    const edges = cellEdges([1, 4, 64]);
    [0.5, 2, 16, 256].forEach((edge, i) => expect(edges[i]).toBeCloseTo(edge, 9));
    const [low, high] = cellEdges([8]);
    expect([low < 8, high > 8]).toEqual([true, true]);
  });

  it('labels sampled values only, none over another', () => {
    const place = (value: number) => 20 * Math.log2(value);
    expect(spacedLabels([1, 2, 4, 8, 16], place, 30)).toEqual([1, 4, 16]);
    expect(decades([3e-4, 1e-3, 3e-3, 1e-2, 3e-2], (value) => 100 * Math.log10(value), 15)).toEqual([
      3e-4, 1e-3, 1e-2, 3e-2,
    ]);
  });
});
