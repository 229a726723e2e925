/** The windows: made hidden, shown when there is something to see, and found again where they were left. */
import { BrowserWindow, nativeTheme, screen, type Session } from 'electron';
import { WINDOW_URL } from './address.ts';
import { reachable, readWindowState, writeWindowState, type Area, type WindowState } from './window-state.ts';

const FIRST_SIZE = { width: 1360, height: 860 };
const LEAST_SIZE = { minWidth: 820, minHeight: 560 };
/** A second window is not laid exactly over the first. */
const OFFSET = 28;
/** The page's own paper (renderer/app/tokens.css), so that nothing flashes before it is drawn. */
const paper = { light: '#ffffff', dark: '#1c1c1c' } as const;

export interface WindowsOptions {
  readonly preload: string;
  readonly session: Session;
  readonly stateFile: string;
  readonly isDevelopment: boolean;
  /** Called for every window before its page loads. */
  readonly onCreated: (window: BrowserWindow) => void;
}

export class Windows {
  readonly #options: WindowsOptions;
  readonly #open = new Set<BrowserWindow>();
  #state: WindowState;

  constructor(options: WindowsOptions) {
    this.#options = options;
    this.#state = readWindowState(options.stateFile);
    nativeTheme.on('updated', () => {
      for (const window of this.all) window.setBackgroundColor(paperColor());
    });
  }

  get all(): readonly BrowserWindow[] {
    return [...this.#open].filter((window) => !window.isDestroyed());
  }

  /** The one that is looked at; null when there is none. */
  get current(): BrowserWindow | null {
    return this.all.find((window) => window.isFocused()) ?? this.all.at(-1) ?? null;
  }

  get folder(): string | null {
    return this.#state.folder;
  }

  rememberFolder(folder: string): void {
    this.#remember({ folder });
  }

  /** Brings a window to the front, or makes one. */
  show(): BrowserWindow {
    const window = this.current;
    if (window === null) return this.create();
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
    return window;
  }

  /** `place`: '#/settings'. */
  create(place = ''): BrowserWindow {
    const { preload, session, isDevelopment, onCreated } = this.#options;
    const window = new BrowserWindow({
      ...this.#place(),
      ...LEAST_SIZE,
      title: 'Surge Lab',
      show: false,
      backgroundColor: paperColor(),
      webPreferences: {
        preload,
        session,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        nodeIntegrationInSubFrames: false,
        nodeIntegrationInWorker: false,
        webSecurity: true,
        webviewTag: false,
        spellcheck: false,
        devTools: isDevelopment,
        // A sweep is watched from the corner of an eye: its charts go on while another window has the focus.
        backgroundThrottling: false,
      },
    });
    this.#open.add(window);
    const isMaximized = this.#state.isMaximized && this.all.length === 1;
    // Maximising shows a window, so it waits for something to see as well.
    window.once('ready-to-show', () => (isMaximized ? window.maximize() : window.show()));
    window.on('close', () => {
      this.#remember({ area: window.getNormalBounds(), isMaximized: window.isMaximized() });
    });
    window.on('closed', () => this.#open.delete(window));
    onCreated(window);
    void window.loadURL(`${WINDOW_URL}${place}`);
    return window;
  }

  /** Where the next window goes: where the last one was left, else in the middle, and not larger than the screen. */
  #place(): Partial<Area> {
    const { area } = this.#state;
    const shift = OFFSET * this.all.length;
    const screens = screen.getAllDisplays().map(({ workArea }) => workArea);
    const shifted = area === null ? null : { ...area, x: area.x + shift, y: area.y + shift };
    const found = reachable(shifted, screens) ?? reachable(area, screens);
    if (found !== null) return found;
    const { width, height } = screen.getPrimaryDisplay().workArea;
    return { width: Math.min(FIRST_SIZE.width, width), height: Math.min(FIRST_SIZE.height, height) };
  }

  #remember(change: Partial<WindowState>): void {
    this.#state = { ...this.#state, ...change };
    writeWindowState(this.#options.stateFile, this.#state);
  }
}

function paperColor(): string {
  return nativeTheme.shouldUseDarkColors ? paper.dark : paper.light;
}
