import type { ExperimentCard } from '#shared/api/types.ts';
import { stateLook } from './states.ts';

export const orders = ['newest', 'oldest', 'name', 'state'] as const;
export type Order = (typeof orders)[number];

/** Running first, then what needs a decision, then what is finished. */
const STATE_ORDER = [
  'running',
  'slurm',
  'queued',
  'held',
  'failures',
  'waiting',
  'elsewhere',
  'complete',
  'imported',
];

/** Cards in which every word of the search occurs: in name, notes, tags, workload, optimizer or state. */
export function filterCards(
  cards: readonly ExperimentCard[],
  search: string,
  archived: boolean,
  order: Order,
): readonly ExperimentCard[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = cards.filter((card) => {
    if (card.archived !== archived) return false;
    if (words.length === 0) return true;
    const text = [
      card.name,
      card.notes,
      ...card.tags,
      card.workload,
      card.optimizer,
      stateLook(card.state).words,
    ]
      .join('\n')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return found.sort((a, b) => {
    switch (order) {
      case 'newest':
        return b.createdAt - a.createdAt;
      case 'oldest':
        return a.createdAt - b.createdAt;
      case 'name':
        return a.name.localeCompare(b.name, 'en', { numeric: true });
      case 'state':
        return STATE_ORDER.indexOf(a.state) - STATE_ORDER.indexOf(b.state) || b.createdAt - a.createdAt;
    }
  });
}
