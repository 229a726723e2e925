/** One registry of what can be done: the command palette, the key map and the list of keys all read it. */

import { untrack } from 'svelte';

export interface Action {
  /** Unique; a later registration of the same id hides the earlier one. */
  readonly id: string;
  /** What it does, as in a menu: 'Archive this experiment'. */
  readonly title: string;
  /** Heading in the list of keys: 'Everywhere', 'Watch'. */
  readonly group: string;
  /** 'Ctrl+K' (Command on a Mac), 'Shift+ArrowRight', '?', '['. Letters are written large. */
  readonly keys?: readonly string[];
  /** False leaves it in the list of keys and out of the palette: arrows, Escape. */
  readonly palette?: boolean;
  /** Also while typing in a field. */
  readonly always?: boolean;
  readonly run: () => void;
}

/** The key as `Action.keys` writes it. */
export function keyName(event: KeyboardEvent): string {
  const plain = event.key === ' ' ? 'Space' : event.key;
  const isLetter = /^[a-z]$/i.test(plain);
  const key = isLetter ? plain.toUpperCase() : plain;
  const control = event.ctrlKey || event.metaKey ? 'Ctrl+' : '';
  const alt = event.altKey ? 'Alt+' : '';
  // Shift is part of a sign such as '?'; with letters and named keys it is said.
  const shift = event.shiftKey && (isLetter || plain.length > 1) ? 'Shift+' : '';
  return `${control}${alt}${shift}${key}`;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return !['checkbox', 'radio', 'range', 'button', 'submit', 'file'].includes(target.type);
  return (
    target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
  );
}

/** Keys that a focused control already understands. */
function controlTakes(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (key === 'Space' || key === 'Enter')
    return target.matches('button, a[href], input, summary, [role=option]');
  if (!/^(Shift\+)?(Arrow\w+|Home|End|Page\w+)$/.test(key)) return false;
  return target.matches('input[type=radio], input[type=range], [role=tab], [role=menuitem], [role=slider]');
}

export class Actions {
  #sets: readonly (readonly Action[])[] = $state.raw([]);

  /** The newest set first, so that a page's keys come before those of the frame. */
  readonly all: readonly Action[] = $derived.by(() => {
    const known = new Set<string>();
    return this.#sets.toReversed().flatMap((set) => set.filter(({ id }) => !known.has(id) && known.add(id)));
  });

  constructor() {
    addEventListener('keydown', (event) => this.#handle(event));
  }

  /** Returns the function that takes them away again; call it from an effect: `$effect(() => actions.add([…]))`. */
  add(set: readonly Action[]): () => void {
    this.#sets = [...untrack(() => this.#sets), set];
    return () => (this.#sets = untrack(() => this.#sets).filter((other) => other !== set));
  }

  #handle(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    // A dialog has the keys to itself.
    if (document.querySelector('dialog:modal') !== null) return;
    const key = keyName(event);
    // Escape closes an open menu and nothing else.
    if (key === 'Escape' && document.querySelector('[popover=""]:popover-open') !== null) return;
    const typing = isTyping(event.target);
    const action = this.all.find(
      ({ keys, always }) => keys?.includes(key) === true && (always === true || !typing),
    );
    if (action === undefined || controlTakes(event.target, key)) return;
    event.preventDefault();
    action.run();
  }
}
