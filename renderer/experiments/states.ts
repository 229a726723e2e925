/** An experiment's state in a word, with a sign so that color never speaks alone. */
import type { ExperimentCard, ExperimentState } from '#shared/api/types.ts';

interface StateLook {
  readonly words: string;
  readonly glyph: string;
  readonly look: 'plain' | 'accent' | 'good' | 'warn' | 'bad';
  readonly meaning: string;
}

const looks: Readonly<Record<ExperimentState, StateLook>> = {
  running: { words: 'training', glyph: '●', look: 'accent', meaning: 'Its cells train now.' },
  queued: {
    words: 'queued',
    glyph: '◔',
    look: 'plain',
    meaning: 'It trains when what is before it has ended.',
  },
  waiting: {
    words: 'not running',
    glyph: '○',
    look: 'plain',
    meaning: 'Cells are missing and nothing trains them.',
  },
  held: { words: 'held', glyph: '‖', look: 'warn', meaning: 'Paused; it goes on when it is started again.' },
  complete: { words: 'complete', glyph: '✓', look: 'good', meaning: 'Every cell has its result.' },
  failures: {
    words: 'has failures',
    glyph: '△',
    look: 'bad',
    meaning: 'What is left are cells that could not be trained; they can be run again.',
  },
  imported: { words: 'imported', glyph: '⇣', look: 'plain', meaning: 'Read from a file; nothing to train.' },
  slurm: {
    words: 'on Slurm',
    glyph: '▤',
    look: 'accent',
    meaning: 'A cluster trains it; what its tasks have so far appears here.',
  },
  elsewhere: {
    words: 'trains elsewhere',
    glyph: '◌',
    look: 'plain',
    meaning: 'Another program trains it; what it stores appears here.',
  },
};

export function stateLook(state: ExperimentState): StateLook {
  return looks[state];
}

/** Cells whose result is there: done or diverged, since a divergence is a result. */
export function cellsFinished({ counts }: ExperimentCard): number {
  return counts.done + counts.diverged;
}

/** '37 diverged, 3 failed'; '' where every result is a number. */
export function exceptions({ counts }: ExperimentCard): string {
  return (
    [
      [counts.diverged, 'diverged'],
      [counts.failed, 'failed'],
      [counts['out-of-memory'], 'out of memory'],
      [counts.interrupted, 'interrupted'],
    ] as const
  )
    .filter(([number]) => number > 0)
    .map(([number, words]) => `${number} ${words}`)
    .join(', ');
}

export function canStart({ state }: ExperimentCard): boolean {
  return state === 'waiting' || state === 'held';
}

export function canPause({ state }: ExperimentCard): boolean {
  return state === 'running' || state === 'queued';
}
