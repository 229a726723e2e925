/** What the native menu sends, as the page hears it. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { DesktopCommand, LabBridge } from '#shared/api/bridge.ts';
import { menuTemplate } from '#main/app/menu.ts';

/** Modules of the window know the DOM, which the types of this program do not. */
const load = <Module>(path: string) =>
  import(new URL(`../../../renderer/${path}`, import.meta.url).href) as Promise<Module>;
const { keyName } = await load<{ keyName: (event: Event) => string }>('app/actions.svelte.ts');
const { followMenu } = await load<{ followMenu: (bridge: LabBridge) => () => void }>('client/follow-menu.ts');

interface KeyFacts {
  key?: string;
  ctrlKey?: boolean;
  altKey?: boolean;
  shiftKey?: boolean;
}

/** As much of the DOM's event as the key map reads. */
class KeyboardEvent extends Event {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly metaKey = false;
  constructor(type: string, { key = '', ctrlKey = false, altKey = false, shiftKey = false }: KeyFacts) {
    super(type, { cancelable: true });
    this.key = key;
    this.ctrlKey = ctrlKey;
    this.altKey = altKey;
    this.shiftKey = shiftKey;
  }
}

let listeners: Set<(command: DesktopCommand) => void>;
let pressed: string[];
let stop: () => void;
const place = { hash: '' };

beforeEach(() => {
  listeners = new Set();
  pressed = [];
  const page = new EventTarget();
  page.addEventListener('keydown', (event) => pressed.push(keyName(event)));
  vi.stubGlobal('window', page);
  place.hash = '';
  vi.stubGlobal('location', place);
  vi.stubGlobal('KeyboardEvent', KeyboardEvent);
  const bridge: Pick<LabBridge, 'onCommand'> = {
    onCommand(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  stop = followMenu(bridge as LabBridge);
});
afterEach(() => void vi.unstubAllGlobals());

const send = (command: DesktopCommand) => listeners.forEach((listener) => listener(command));

it.each(['Ctrl+K', 'Alt+1', '?', '[', ']', 'N', 'Shift+ArrowRight', 'Ctrl+B', '+', 'Ctrl++'])(
  'presses %s so that the key map knows it',
  (key) => {
    send({ press: key });
    expect(pressed).toEqual([key]);
  },
);

it('goes to places', () => {
  send({ go: '#/watch/abcd' });
  expect([place.hash, pressed]).toEqual(['#/watch/abcd', []]);
});

it('stops', () => {
  stop();
  send({ press: 'Ctrl+K' });
  expect(pressed).toEqual([]);
});

it('presses every key of the menu', () => {
  const commands: DesktopCommand[] = [];
  const nothing = () => undefined;
  const template = menuTemplate({
    ...{ isMac: false, isDevelopment: false, command: (command) => commands.push(command) },
    ...{ newWindow: nothing, openStore: nothing, showStore: nothing, openPaper: nothing, about: nothing },
  });
  for (const { submenu } of template)
    if (Array.isArray(submenu)) for (const { click } of submenu) (click as (() => void) | undefined)?.();
  const wanted = commands.flatMap((command) => ('press' in command ? [command.press] : []));
  commands.forEach(send);
  expect(pressed).toEqual(wanted);
});
