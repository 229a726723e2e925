/** The desktop shell: windows, menu, door and lab put together. Every file it is made of does one thing. */
import { app, dialog, Menu, session, shell as system, type BrowserWindow } from 'electron';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { storeFile } from '#main/doors/cli/store-access.ts';
import { IpcDoor } from '#main/doors/ipc/door.ts';
import { createHandlers } from '#main/lab/api/handlers.ts';
import { Lab } from '#main/lab/lab.ts';
import { hasNvidiaDriver } from '#main/setup/platform.ts';
import packageFile from '../../package.json' with { type: 'json' };
import { isOurs } from './address.ts';
import { Attendant } from './attendant.ts';
import { watchProcesses, watchWindow } from './crashes.ts';
import { askWhereToSave } from './downloads.ts';
import { lockPages, lockSession, openLink } from './lockdown.ts';
import { logTo, type Log } from './log.ts';
import { menuTemplate } from './menu.ts';
import { offerToContinue, wantsEngine, wantsOtherStore } from './questions.ts';
import { GentleEnd } from './quit.ts';
import { registerScheme, serveWindow } from './window-files.ts';
import { Windows } from './windows.ts';

/** Everything that must happen before the app is ready; then the window. */
export async function startShell(): Promise<void> {
  app.setName('Surge Lab');
  // Two apps on one store would take turns at being locked out.
  if (!app.requestSingleInstanceLock()) return app.quit();
  app.enableSandbox();
  registerScheme();
  lockPages();
  const log = logTo(join(app.getPath('logs'), 'surge-lab.log'));
  watchProcesses(log);
  // Electron itself tells a person of these.
  process.on('uncaughtExceptionMonitor', (error) => log('uncaught exception', error));
  process.on('unhandledRejection', (error) => log('unhandled rejection', error));
  await app.whenReady();
  try {
    await open(log);
  } catch (error) {
    log('starting', error);
    dialog.showErrorBox('Surge Lab could not start', error instanceof Error ? error.message : String(error));
    app.exit(1);
  }
}

async function open(log: Log): Promise<void> {
  const isDevelopment = !app.isPackaged;
  const lab = await Lab.open({
    file: storeFile({ store: storeIn(process.argv.slice(1)) }),
    version: packageFile.version,
    onFault: log,
  });
  const own = session.defaultSession;
  lockSession(own);
  serveWindow(own, join(app.getAppPath(), 'dist', 'renderer'));
  const door = new IpcDoor({ lab, isOurs, onFault: log });
  const windows: Windows = new Windows({
    preload: join(app.getAppPath(), 'dist', 'app', 'preload.cjs'),
    session: own,
    stateFile: join(app.getPath('userData'), 'window.json'),
    isDevelopment,
    onCreated: (window) => {
      door.admit(window.webContents);
      watchWindow(window, log);
      end.watch(window);
    },
  });
  const attendant = new Attendant(lab, () => windows.all);
  const end = new GentleEnd({
    lab,
    windows,
    beforeClose: () => {
      attendant.close();
      door.close();
    },
    log,
  });
  askWhereToSave(own, windows);
  setMenu({ lab, door, windows, end, isDevelopment });
  app.on('second-instance', (_event, argv, folder) => {
    const other = storeIn(argv.slice(1));
    const window = windows.show();
    if (other === undefined || resolve(folder, other) === resolve(lab.store.file)) return;
    void changeStore(lab, window, end, resolve(folder, other), log);
  });
  app.on('activate', () => windows.show());
  const window = windows.create();
  await welcome(lab, attendant, door, window, log);
}

/** First things first: the engine, then what was interrupted. Neither is needed to look around. */
async function welcome(
  lab: Lab,
  attendant: Attendant,
  door: IpcDoor,
  window: BrowserWindow,
  log: Log,
): Promise<void> {
  try {
    const device = hasNvidiaDriver() && process.arch === 'x64' ? 'cuda' : 'cpu';
    if (await wantsEngine(window, device)) {
      await createHandlers(lab, attendant.session)['engine.install']({ device });
      // Its progress is shown there.
      door.command(window.webContents, { go: '#/settings' });
      return;
    }
    const key = await offerToContinue(lab, window);
    if (key !== null) door.command(window.webContents, { go: `#/watch/${key}` });
  } catch (error) {
    log('welcoming', error);
    const detail = error instanceof Error ? error.message : String(error);
    await dialog.showMessageBox(window, { type: 'warning', message: 'This could not be started.', detail });
  }
}

/** --store FILE, as the command line has it. */
function storeIn(args: readonly string[]): string | undefined {
  // Chromium's own switches come along.
  const { values } = parseArgs({ args: [...args], options: { store: { type: 'string' } }, strict: false });
  return typeof values.store === 'string' ? values.store : undefined;
}

interface MenuParts {
  readonly lab: Lab;
  readonly door: IpcDoor;
  readonly windows: Windows;
  readonly end: GentleEnd;
  readonly isDevelopment: boolean;
}

function setMenu({ lab, door, windows, end, isDevelopment }: MenuParts): void {
  app.setAboutPanelOptions({
    applicationName: 'Surge Lab',
    applicationVersion: packageFile.version,
    version: `Electron ${process.versions.electron}`,
    copyright: 'MIT licence. TensorFlow is fetched, not shipped (Apache 2.0).',
  });
  const template = menuTemplate({
    isMac: process.platform === 'darwin',
    isDevelopment,
    command: (command) => door.command(windows.show().webContents, command),
    newWindow: () => windows.create(),
    openStore: () => void chooseStore(lab, windows, end),
    showStore: () => system.showItemInFolder(lab.store.file),
    openPaper: () => void openLink('paper'),
    about: () => app.showAboutPanel(),
  });
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}

/** The one place where a path comes from a person; no page ever names one. */
async function chooseStore(lab: Lab, windows: Windows, end: GentleEnd): Promise<void> {
  const { canceled, filePaths } = await dialog.showOpenDialog(windows.show(), {
    title: 'Open Another Store',
    defaultPath: dirname(lab.store.file),
    filters: [{ name: 'Surge Lab stores', extensions: ['surge'] }],
    properties: ['openFile', 'promptToCreate'],
  });
  if (canceled || filePaths.length === 0) return;
  await openStore(end, filePaths[0]);
}

async function changeStore(
  lab: Lab,
  window: BrowserWindow,
  end: GentleEnd,
  other: string,
  log: Log,
): Promise<void> {
  try {
    if (await wantsOtherStore(window, lab.store.file, other)) await openStore(end, other);
  } catch (error) {
    log('changing the store', error);
  }
}

async function openStore(end: GentleEnd, file: string): Promise<void> {
  // A development start has the folder of the app as its first argument.
  const first = app.isPackaged ? [] : [app.getAppPath()];
  await end.restart([...first, '--store', file]);
}
