/** How far a job array is, in a few words. */
import type { SlurmSummary, SlurmTask } from '#shared/api/types.ts';
import { count, counted } from '#renderer/parts/formats.ts';

/** '2 of 6 tasks, 3 training, 1 lost' */
export function tasksInWords({ tasks, complete, running, waiting, failed }: SlurmSummary): string {
  return [
    `${count(complete)} of ${counted(tasks, 'task')}`,
    running > 0 ? `${count(running)} training` : '',
    waiting > 0 ? `${count(waiting)} waiting` : '',
    failed > 0 ? `${count(failed)} lost` : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** 'task 3 on n5: out of memory' */
export function failureInWords({ task, node, reason }: SlurmTask): string {
  return `task ${task}${node === '' ? '' : ` on ${node}`}: ${reason}`;
}

export const taskLooks: Readonly<
  Record<SlurmTask['state'], { readonly glyph: string; readonly words: string }>
> = {
  complete: { glyph: '■', words: 'complete' },
  running: { glyph: '◐', words: 'training' },
  waiting: { glyph: '▫', words: 'waiting' },
  failed: { glyph: '!', words: 'failed' },
  lost: { glyph: '‖', words: 'lost' },
};
