import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import type { MenuItemConstructorOptions } from 'electron';
import type { DesktopCommand } from '#shared/api/bridge.ts';
import { menuTemplate, type MenuOptions } from '#main/app/menu.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

function itemsOf(options: Partial<MenuOptions> = {}) {
  const commands: DesktopCommand[] = [];
  const nothing = vi.fn();
  const template = menuTemplate({
    isMac: false,
    isDevelopment: false,
    command: (command) => commands.push(command),
    newWindow: nothing,
    openStore: nothing,
    showStore: nothing,
    openPaper: nothing,
    about: nothing,
    ...options,
  });
  const flat = (items: MenuItemConstructorOptions[]): MenuItemConstructorOptions[] =>
    items.flatMap((item) => [item, ...(Array.isArray(item.submenu) ? flat(item.submenu) : [])]);
  return { items: flat(template), commands };
}

/** Commands of every item that sends one. */
function commandsOf(options: Partial<MenuOptions> = {}): DesktopCommand[] {
  const { items, commands } = itemsOf(options);
  for (const { click } of items) (click as (() => void) | undefined)?.();
  return commands;
}

function sourcesIn(folder: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(svelte|ts)$/.test(file))
    .map((file) => readFileSync(join(ROOT, folder, file), 'utf8'))
    .join('\n');
}

describe('the menu', () => {
  it('presses keys that the window knows', () => {
    const keyMap = sourcesIn('renderer/app');
    const presses = commandsOf().flatMap((command) => ('press' in command ? [command.press] : []));
    expect(presses.length).toBeGreaterThanOrEqual(4);
    for (const key of presses) expect(keyMap, key).toContain(`keys: ['${key}']`);
  });

  it('goes to pages that the window has', () => {
    const pages = readFileSync(join(ROOT, 'renderer/app/pages.ts'), 'utf8');
    const places = commandsOf().flatMap((command) => ('go' in command ? [command.go] : []));
    expect(places.length).toBeGreaterThanOrEqual(5);
    for (const place of places) expect(pages, place).toContain(`page('${place.replace('#/', '')}'`);
  });

  it.each([true, false])('takes no key twice, nor any that is typed (Mac: %s)', (isMac) => {
    const { items } = itemsOf({ isMac });
    const shown = items.flatMap(({ accelerator }) =>
      accelerator === undefined ? [] : [String(accelerator)],
    );
    expect(new Set(shown).size).toBe(shown.length);
    for (const { accelerator, registerAccelerator } of items)
      if (accelerator !== undefined && registerAccelerator !== false)
        expect(String(accelerator)).toMatch(/^CmdOrCtrl\+/);
  });

  it('has tools for developers only while developing', () => {
    const roles = (isDevelopment: boolean) => itemsOf({ isDevelopment }).items.map(({ role }) => role);
    expect(roles(false)).not.toContain('toggleDevTools');
    expect(roles(false)).not.toContain('reload');
    expect(roles(true)).toContain('toggleDevTools');
  });

  it('has a way to settings and to the end on every system', () => {
    for (const isMac of [true, false]) {
      const { items } = itemsOf({ isMac });
      expect(items.filter(({ role }) => role === 'quit')).toHaveLength(1);
      expect(items.filter(({ label }) => label === 'Settings')).toHaveLength(1);
    }
  });
});
