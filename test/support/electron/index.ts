/**
 * A small stand-in of the Electron API: as much of it as the shell uses, with Electron's own rules where the shell relies
 * on them (what crosses is cloned, a prevented event stops what follows). Tests put it in the place of 'electron'.
 */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';

type Listener = (...args: never[]) => unknown;
type Invocation = (event: unknown, ...args: unknown[]) => unknown;

/** An event that can be prevented, with more facts in it. */
export function preventable<Facts extends object>(facts: Facts = {} as Facts) {
  const event = { ...facts, isPrevented: false, preventDefault: () => void (event.isPrevented = true) };
  return event;
}

/** What tests set and look at. */
export const world = {
  appPath: '/nowhere',
  userData: tmpdir(),
  isPackaged: true,
  isFirstInstance: true,
  displays: [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }],
  /** Labels of buttons that the next questions are answered with; without one the last button is pressed. */
  answers: [] as (string | Promise<string>)[],
  questions: [] as (Question & { buttons: readonly string[] })[],
  errors: [] as string[],
  openedOutside: [] as string[],
  chosenFiles: [] as string[],
  blockers: new Set<number>(),
  schemes: [] as { scheme: string; privileges: Record<string, boolean> }[],
  relaunched: [] as { args: string[]; execPath?: string }[],
  exitCode: null as number | null,
  isSandboxed: false,
  menu: null as MenuItem[] | null,
  log: [] as string[],
};

// The main process --------------------------------------------------------------------------------------------------

class IpcMain extends EventEmitter {
  readonly handlers = new Map<string, Invocation>();
  handle(channel: string, handler: Invocation): void {
    if (this.handlers.has(channel))
      throw new Error(`Attempted to register a second handler for '${channel}'`);
    this.handlers.set(channel, handler);
  }
  removeHandler(channel: string): void {
    this.handlers.delete(channel);
  }
}
export const ipcMain = new IpcMain();

export interface Frame {
  url: string;
  parent: Frame | null;
}

export class WebContents extends EventEmitter {
  mainFrame: Frame = { url: 'about:blank', parent: null };
  windowOpenHandler: ((details: { url: string }) => { action: string }) | null = null;
  readonly sent: { channel: string; args: unknown[] }[] = [];
  reloads = 0;
  #isDestroyed = false;
  constructor() {
    super();
    app.emit('web-contents-created', {}, this);
  }
  setWindowOpenHandler(handler: (details: { url: string }) => { action: string }): void {
    this.windowOpenHandler = handler;
  }
  send(channel: string, ...args: unknown[]): void {
    if (this.#isDestroyed) throw new TypeError('Object has been destroyed');
    const cloned = structuredClone(args);
    this.sent.push({ channel, args: cloned });
    this.emit('test:sent', channel, ...cloned);
  }
  reload(): void {
    this.reloads++;
    this.emit('did-start-navigation', { isMainFrame: true, isSameDocument: false });
  }
  forcefullyCrashRenderer(): void {
    this.emit('render-process-gone', {}, { reason: 'killed', exitCode: 1 });
  }
  isDestroyed(): boolean {
    return this.#isDestroyed;
  }
  destroy(): void {
    this.#isDestroyed = true;
    this.emit('destroyed');
  }
}

interface Bounds {
  x: number;
  y: number;
  width: number;
  height: number;
}

export class BrowserWindow extends EventEmitter {
  static readonly all: BrowserWindow[] = [];
  readonly webContents = new WebContents();
  readonly options: Record<string, unknown> & { webPreferences: Record<string, unknown> };
  bounds: Bounds;
  url = '';
  isVisible = false;
  progress = -1;
  backgroundColor: unknown;
  #isMaximized = false;
  #isDestroyed = false;
  constructor(options: BrowserWindow['options']) {
    super();
    this.options = options;
    this.backgroundColor = options.backgroundColor;
    this.bounds = { x: 100, y: 100, width: 800, height: 600, ...(options as Partial<Bounds>) };
    BrowserWindow.all.push(this);
  }
  loadURL(url: string): Promise<void> {
    this.url = url;
    this.webContents.mainFrame = { url, parent: null };
    return Promise.resolve();
  }
  show(): void {
    this.isVisible = true;
  }
  hide(): void {
    this.isVisible = false;
  }
  focus(): void {}
  restore(): void {}
  isFocused(): boolean {
    return BrowserWindow.all.filter((window) => !window.isDestroyed()).at(-1) === this;
  }
  isMinimized(): boolean {
    return false;
  }
  maximize(): void {
    this.isVisible = true;
    this.#isMaximized = true;
  }
  isMaximized(): boolean {
    return this.#isMaximized;
  }
  getNormalBounds(): Bounds {
    const { x, y, width, height } = this.bounds;
    return { x, y, width, height };
  }
  setBackgroundColor(color: string): void {
    this.backgroundColor = color;
  }
  setProgressBar(share: number): void {
    this.progress = share;
  }
  isDestroyed(): boolean {
    return this.#isDestroyed;
  }
  close(): void {
    if (this.#isDestroyed) return;
    const event = preventable();
    this.emit('close', event);
    if (!event.isPrevented) this.destroy();
  }
  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.webContents.destroy();
    this.emit('closed');
    if (BrowserWindow.all.every((window) => window.isDestroyed())) app.allClosed();
  }
}

class App extends EventEmitter {
  #isQuitting = false;
  /** Who does not listen to this wants the app to end with its last window. */
  allClosed(): void {
    if (!this.emit('window-all-closed') && !this.#isQuitting) this.quit();
  }
  get isPackaged(): boolean {
    return world.isPackaged;
  }
  setName(): void {}
  getAppPath(): string {
    return world.appPath;
  }
  getPath(name: string): string {
    return join(world.userData, name);
  }
  requestSingleInstanceLock(): boolean {
    return world.isFirstInstance;
  }
  enableSandbox(): void {
    world.isSandboxed = true;
  }
  whenReady(): Promise<void> {
    return Promise.resolve();
  }
  quit(): void {
    const event = preventable();
    this.emit('before-quit', event);
    if (event.isPrevented) return;
    this.#isQuitting = true;
    for (const window of BrowserWindow.all) window.close();
    this.#isQuitting = false;
    if (BrowserWindow.all.some((window) => !window.isDestroyed())) return;
    world.exitCode ??= 0;
    this.emit('quit');
  }
  exit(code: number): void {
    world.exitCode ??= code;
    this.emit('quit');
  }
  relaunch(options: { args: string[]; execPath?: string }): void {
    world.relaunched.push(options);
  }
  setAboutPanelOptions(): void {}
  showAboutPanel(): void {}
}
export const app = new App();

class NativeTheme extends EventEmitter {
  themeSource = 'system';
  shouldUseDarkColors = false;
}
export const nativeTheme = new NativeTheme();

export const powerMonitor = new EventEmitter();

let nextBlocker = 1;
export const powerSaveBlocker = {
  start(kind: string): number {
    world.log.push(`blocker ${kind}`);
    world.blockers.add(nextBlocker);
    return nextBlocker++;
  },
  stop(id: number): void {
    world.blockers.delete(id);
  },
};

export const screen = {
  getAllDisplays: () => world.displays,
  getPrimaryDisplay: () => world.displays[0],
};

export const shell = {
  openExternal(url: string): Promise<void> {
    world.openedOutside.push(url);
    return Promise.resolve();
  },
  showItemInFolder(path: string): void {
    world.log.push(`shown ${path}`);
  },
};

interface Question {
  message: string;
  detail: string;
  buttons?: string[];
  defaultId?: number;
  cancelId?: number;
  signal?: AbortSignal;
}

export const dialog = {
  async showMessageBox(...args: unknown[]): Promise<{ response: number }> {
    const question = args.at(-1) as Question;
    const { buttons = ['OK'], cancelId = 0, signal } = question;
    world.questions.push({ ...question, buttons });
    const closed = new Promise<null>((resolve) => signal?.addEventListener('abort', () => resolve(null)));
    const answer = await Promise.race([closed, world.answers.shift() ?? buttons.at(-1)]);
    return { response: answer === null || answer === undefined ? cancelId : buttons.indexOf(answer) };
  },
  showErrorBox(title: string, content: string): void {
    world.errors.push(`${title}: ${content}`);
  },
  showOpenDialog(): Promise<{ canceled: boolean; filePaths: string[] }> {
    const filePaths = world.chosenFiles.splice(0);
    return Promise.resolve({ canceled: filePaths.length === 0, filePaths });
  },
};

export interface MenuItem {
  label?: string;
  role?: string;
  type?: string;
  accelerator?: string;
  registerAccelerator?: boolean;
  submenu?: MenuItem[];
  click?: () => void;
}
export const Menu = {
  buildFromTemplate: (template: MenuItem[]) => template,
  setApplicationMenu(menu: MenuItem[]): void {
    world.menu = menu;
  },
};

export const protocol = {
  registerSchemesAsPrivileged(schemes: typeof world.schemes): void {
    world.schemes.push(...schemes);
  },
};

export class Session extends EventEmitter {
  readonly served = new Map<string, (request: Request) => Promise<Response>>();
  readonly protocol = {
    handle: (scheme: string, handler: (request: Request) => Promise<Response>) => {
      this.served.set(scheme, handler);
    },
  };
  permissionRequest: Listener | null = null;
  permissionCheck: Listener | null = null;
  devicePermission: Listener | null = null;
  beforeRequest: Listener | null = null;
  readonly webRequest = { onBeforeRequest: (listener: Listener) => void (this.beforeRequest = listener) };
  setPermissionRequestHandler(handler: Listener): void {
    this.permissionRequest = handler;
  }
  setPermissionCheckHandler(handler: Listener): void {
    this.permissionCheck = handler;
  }
  setDevicePermissionHandler(handler: Listener): void {
    this.devicePermission = handler;
  }
}
export const session = { defaultSession: new Session() };

// A page ------------------------------------------------------------------------------------------------------------

/** What a preload script finds: the wire of one page. `frame` speaks in another frame's name. */
export class PageWire extends EventEmitter {
  readonly #contents: WebContents;
  readonly #frame: () => Frame | null;
  constructor(contents: WebContents, frame: () => Frame | null = () => contents.mainFrame) {
    super();
    this.#contents = contents;
    this.#frame = frame;
    contents.on('test:sent', (channel: string, ...args: unknown[]) => this.emit(channel, {}, ...args));
  }
  async invoke(channel: string, ...args: unknown[]): Promise<unknown> {
    const handler = ipcMain.handlers.get(channel);
    if (handler === undefined) throw new Error(`No handler registered for '${channel}'`);
    return structuredClone(await handler(this.#event(), ...structuredClone(args)));
  }
  send(channel: string, ...args: unknown[]): void {
    ipcMain.emit(channel, this.#event(), ...structuredClone(args));
  }
  #event() {
    return { sender: this.#contents, senderFrame: this.#frame() };
  }
}

/** Runs a preload script as the sandbox does, without modules and packages; returns what it puts on its page. */
export function loadPreload(file: string, contents: WebContents): Record<string, unknown> {
  const exposed: Record<string, unknown> = {};
  const electron = {
    contextBridge: { exposeInMainWorld: (name: string, value: unknown) => void (exposed[name] = value) },
    ipcRenderer: new PageWire(contents),
  };
  const require = (name: string): unknown => {
    if (name === 'electron') return electron;
    throw new Error(`module not found: ${name}`);
  };
  const run = compileFunction(readFileSync(file, 'utf8'), ['require', 'module', 'exports'], {
    filename: file,
  }) as (require: (name: string) => unknown, module: object, exports: object) => void;
  run(require, { exports: {} }, {});
  return exposed;
}

/** As it was at the start, but for what tests hold on to. */
export function resetElectron(): void {
  for (const emitter of [app, ipcMain, nativeTheme, powerMonitor]) emitter.removeAllListeners();
  for (const window of BrowserWindow.all) window.removeAllListeners().destroy();
  BrowserWindow.all.length = 0;
  ipcMain.handlers.clear();
  session.defaultSession = new Session();
  Object.assign(nativeTheme, { themeSource: 'system', shouldUseDarkColors: false });
  Object.assign(world, {
    isPackaged: true,
    isFirstInstance: true,
    exitCode: null,
    isSandboxed: false,
    menu: null,
  });
  for (const list of [world.answers, world.questions, world.errors, world.openedOutside, world.chosenFiles])
    list.length = 0;
  for (const list of [world.schemes, world.relaunched, world.log]) list.length = 0;
  world.blockers.clear();
}
