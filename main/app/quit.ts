/** The end: asked for when something is being trained, and never before its checkpoint is saved. */
import { app, powerMonitor, type BrowserWindow, type Event } from 'electron';
import type { Lab } from '#main/lab/lab.ts';
import type { Log } from './log.ts';
import { mayStopTraining } from './questions.ts';
import type { Windows } from './windows.ts';

export interface QuitOptions {
  readonly lab: Lab;
  readonly windows: Pick<Windows, 'all' | 'current' | 'show'>;
  /** Closes the door and the shell's own session, before the lab. */
  readonly beforeClose: () => void;
  readonly log: Log;
}

export class GentleEnd {
  readonly #options: QuitOptions;
  #state: 'open' | 'asking' | 'closing' | 'closed' = 'open';

  constructor(options: QuitOptions) {
    this.#options = options;
    app.on('before-quit', (event) => {
      if (this.#state === 'closed') return;
      event.preventDefault();
      void this.#end(true);
    });
    // The system ends or somebody ended us from outside: nobody is there to answer.
    const shutDown = (event: Event) => {
      event.preventDefault();
      void this.#end(false);
    };
    // Electron's types leave out the event that its documentation describes.
    powerMonitor.on('shutdown', shutDown as unknown as () => void);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => void this.#end(false));
  }

  /** The last window takes the lab with it: training without any window would surprise. It may stay, so it is asked first. */
  watch(window: BrowserWindow): void {
    window.on('close', (event) => {
      if (this.#state === 'closed' || this.#options.windows.all.length > 1) return;
      event.preventDefault();
      app.quit();
    });
  }

  /** Ends and starts again with other arguments; nothing happens when training is to go on. */
  async restart(args: string[]): Promise<void> {
    // An AppImage runs from a mount that is gone when it ends.
    const { APPIMAGE: execPath } = process.env;
    await this.#end(true, () => app.relaunch({ args, ...(execPath === undefined ? {} : { execPath }) }));
  }

  async #end(asks: boolean, before: () => void = () => undefined): Promise<void> {
    if (this.#state === 'closing' || this.#state === 'closed' || (this.#state === 'asking' && asks)) return;
    const { lab, windows, beforeClose, log } = this.#options;
    if (asks && lab.isTraining) {
      this.#state = 'asking';
      const agreed = await this.#mayStop();
      // The system may have ended it meanwhile.
      if (this.#state !== 'asking') return;
      this.#state = 'open';
      if (!agreed) {
        // Training without any window would surprise.
        if (windows.all.length === 0) windows.show();
        return;
      }
    }
    this.#state = 'closing';
    for (const window of windows.all) window.hide();
    try {
      beforeClose();
      await lab.close();
    } catch (error) {
      // Spools and checkpoints are on disk; the next start takes them in.
      log('closing the lab', error);
    }
    this.#state = 'closed';
    before();
    app.quit();
  }

  async #mayStop(): Promise<boolean> {
    const { lab, windows, log } = this.#options;
    try {
      return await mayStopTraining(lab, windows.current);
    } catch (error) {
      // An end that cannot be asked about must not become one that cannot be had: a checkpoint is saved either way.
      log('asking before the end', error);
      return true;
    }
  }
}
