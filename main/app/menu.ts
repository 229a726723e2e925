/** The native menu. Its keys are those of the window's key map; it presses them, or goes to a place. */
import type { MenuItemConstructorOptions } from 'electron';
import type { DesktopCommand } from '#shared/api/bridge.ts';

export interface MenuOptions {
  readonly isMac: boolean;
  readonly isDevelopment: boolean;
  /** To the window that is looked at. */
  readonly command: (command: DesktopCommand) => void;
  readonly newWindow: () => void;
  readonly openStore: () => void;
  readonly showStore: () => void;
  readonly openPaper: () => void;
  readonly about: () => void;
}

const SEPARATOR: MenuItemConstructorOptions = { type: 'separator' };

export function menuTemplate(options: MenuOptions): MenuItemConstructorOptions[] {
  const { isMac, isDevelopment, command } = options;
  const go = (label: string, place: string, accelerator?: string): MenuItemConstructorOptions => ({
    label,
    click: () => command({ go: place }),
    ...(accelerator === undefined ? {} : { accelerator }),
  });
  /** The page hears this key itself, and knows best when; the menu shows it, and presses it for the mouse. */
  const press = (label: string, key: string): MenuItemConstructorOptions => ({
    label,
    accelerator: key.replace('Ctrl+', 'CmdOrCtrl+'),
    registerAccelerator: false,
    click: () => command({ press: key }),
  });
  const settings = go('Settings', '#/settings', 'CmdOrCtrl+,');
  const about: MenuItemConstructorOptions = { label: 'About Surge Lab', click: options.about };

  const application: MenuItemConstructorOptions[] = isMac
    ? [
        {
          label: 'Surge Lab',
          submenu: [
            about,
            SEPARATOR,
            settings,
            SEPARATOR,
            { role: 'services' },
            SEPARATOR,
            { role: 'hide' },
            { role: 'hideOthers' },
            { role: 'unhide' },
            SEPARATOR,
            { role: 'quit' },
          ],
        },
      ]
    : [];
  const file: MenuItemConstructorOptions[] = [
    go('New Experiment', '#/design', 'CmdOrCtrl+N'),
    go('Import …', '#/import', 'CmdOrCtrl+I'),
    SEPARATOR,
    { label: 'New Window', accelerator: 'CmdOrCtrl+Shift+N', click: options.newWindow },
    { label: 'Open Another Store …', accelerator: 'CmdOrCtrl+O', click: options.openStore },
    { label: 'Show the Store in Its Folder', click: options.showStore },
    SEPARATOR,
    ...(isMac ? [{ role: 'close' } as const] : [settings, SEPARATOR, { role: 'quit' } as const]),
  ];
  const view: MenuItemConstructorOptions[] = [
    go('Experiments', '#/experiments', 'CmdOrCtrl+1'),
    go('Compare', '#/compare', 'CmdOrCtrl+2'),
    go('Theory', '#/theory', 'CmdOrCtrl+3'),
    SEPARATOR,
    press('Previous Experiment', '['),
    press('Next Experiment', ']'),
    SEPARATOR,
    press('Command Palette', 'Ctrl+K'),
    SEPARATOR,
    { role: 'resetZoom' },
    { role: 'zoomIn' },
    { role: 'zoomOut' },
    { role: 'togglefullscreen' },
    ...(isDevelopment ? [SEPARATOR, { role: 'reload' } as const, { role: 'toggleDevTools' } as const] : []),
  ];
  const help: MenuItemConstructorOptions[] = [
    press('All Keys', '?'),
    { label: 'The Paper (arXiv 2405.14578)', click: options.openPaper },
    ...(isMac ? [] : [SEPARATOR, about]),
  ];
  return [
    ...application,
    { label: '&File', submenu: file },
    { role: 'editMenu' },
    { label: '&View', submenu: view },
    { role: 'windowMenu' },
    { role: 'help', submenu: help },
  ];
}
