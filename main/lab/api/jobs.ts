/** Long work that a window starts and does not wait for: it hears of its progress instead. */
import { randomUUID } from 'node:crypto';
import type { Job } from '#shared/api/types.ts';

export type JobReport = (message: string, share: number | null) => void;

export class Jobs {
  readonly #changed: (job: Job) => void;
  /** One of a kind at a time. */
  readonly #running = new Map<Job['kind'], { readonly id: string; readonly done: Promise<void> }>();
  readonly #end = new AbortController();

  constructor(changed: (job: Job) => void) {
    this.#changed = changed;
  }

  isRunning(kind: Job['kind']): boolean {
    return this.#running.has(kind);
  }

  /** Returns the id at once. A second job of a kind is not started: the id of the first is returned. */
  start(
    kind: Job['kind'],
    message: string,
    work: (report: JobReport, signal: AbortSignal) => Promise<string>,
    explain: (error: unknown) => string,
  ): string {
    const before = this.#running.get(kind);
    if (before !== undefined) return before.id;
    const id = randomUUID();
    const tell = (text: string, share: number | null, done = false, error: string | null = null) =>
      this.#changed({ id, kind, message: text, share, done, error });
    tell(message, null);
    const done = work((text, share) => tell(text, share), this.#end.signal).then(
      (last) => {
        this.#running.delete(kind);
        tell(last, 1, true);
      },
      (error: unknown) => {
        this.#running.delete(kind);
        tell(message, null, true, explain(error));
      },
    );
    this.#running.set(kind, { id, done });
    return id;
  }

  /** What can go on another time stops; the rest is waited for. */
  async close(): Promise<void> {
    this.#end.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }
}
