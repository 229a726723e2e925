import { ApiError } from '#shared/api/errors.ts';

export interface Notice {
  readonly id: number;
  readonly kind: 'done' | 'problem';
  readonly text: string;
  /** One thing that can be done about it. */
  readonly action: { readonly title: string; readonly run: () => void } | null;
}

const SECONDS_SHOWN = 6;

/** Lines at the foot of the window. What was done goes away by itself, problems stay until they are put away. */
export class Notices {
  list: readonly Notice[] = $state.raw([]);
  #last = 0;

  done(text: string, action: Notice['action'] = null): void {
    const id = this.#add('done', text, action);
    setTimeout(() => this.remove(id), SECONDS_SHOWN * 1000);
  }

  problem(text: string, action: Notice['action'] = null): void {
    // The same problem twice is one problem.
    this.list = this.list.filter((notice) => notice.text !== text);
    this.#add('problem', text, action);
  }

  remove(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  #add(kind: Notice['kind'], text: string, action: Notice['action']): number {
    const id = ++this.#last;
    this.list = [...this.list, { id, kind, text, action }].slice(-4);
    return id;
  }
}

/** What happened, for a person. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  return `Something in this window went wrong: ${error instanceof Error ? error.message : String(error)}. Nothing that was trained is touched; reload the window.`;
}
