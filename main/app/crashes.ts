/** When a process of the shell fails, training does not: it runs in processes of its own. Calm words, and a way on. */
import { app, dialog, type BrowserWindow } from 'electron';
import type { Log } from './log.ts';

/** A page that fails this often in this time would fail again at once. */
const MOST_RELOADS = 3;
const RELOAD_MILLISECONDS = 60_000;
/** Ends that nobody needs to hear of. */
const QUIET = new Set(['clean-exit', 'killed']);

export function watchProcesses(log: Log): void {
  app.on('child-process-gone', (_event, { type, reason, exitCode, name, serviceName }) => {
    // The system starts these again by itself (GPU, network, utilities).
    if (!QUIET.has(reason))
      log(`${[type, name, serviceName].filter(Boolean).join(' ')} ended: ${reason}, code ${exitCode}`);
  });
}

export function watchWindow(window: BrowserWindow, log: Log): void {
  const { webContents } = window;
  let reloads: number[] = [];
  /** The question that is open; null when none is. */
  let asking: { readonly about: 'busy' | 'gone'; readonly end: AbortController } | null = null;
  let isReloadWanted = false;

  webContents.on('render-process-gone', (_event, { reason, exitCode }) => {
    log(`a window's page ended: ${reason}, code ${exitCode}`);
    if (reason === 'clean-exit' || window.isDestroyed()) return;
    if (isReloadWanted) webContents.reload();
    else void offerReload();
    isReloadWanted = false;
  });

  window.on('unresponsive', () => {
    if (asking !== null) return;
    log('a window does not respond');
    void ask('busy', {
      message: 'This window does not respond.',
      detail: 'It may only be busy. What is being trained goes on either way.',
      buttons: ['Wait', 'Load Again'],
    }).then((choice) => {
      if (choice !== 1) return;
      // A busy page hears nothing: it is ended, and the listener above loads it again.
      isReloadWanted = true;
      webContents.forcefullyCrashRenderer();
    });
  });
  window.on('responsive', () => {
    if (asking?.about === 'busy') asking.end.abort();
  });

  async function offerReload(): Promise<void> {
    const now = Date.now();
    reloads = reloads.filter((time) => now - time < RELOAD_MILLISECONDS);
    const isHopeless = reloads.length >= MOST_RELOADS;
    const choice = await ask('gone', {
      message: 'This window stopped working.',
      detail: isHopeless
        ? 'It has been loaded again several times without success. What is being trained goes on, and nothing that was recorded is lost.'
        : 'What is being trained goes on, and nothing that was recorded is lost.',
      buttons: ['Load Again', 'Close Window'],
    });
    if (choice === null) return;
    if (choice === 1) return window.destroy();
    reloads.push(Date.now());
    webContents.reload();
  }

  /** The number of the button; null when the question no longer matters: a newer one, or the window is gone. */
  async function ask(
    about: 'busy' | 'gone',
    question: { message: string; detail: string; buttons: string[] },
  ): Promise<number | null> {
    asking?.end.abort();
    const own = { about, end: new AbortController() };
    asking = own;
    try {
      const { response } = await dialog.showMessageBox(window, {
        type: 'warning',
        noLink: true,
        defaultId: 0,
        cancelId: 0,
        signal: own.end.signal,
        ...question,
      });
      return own.end.signal.aborted || window.isDestroyed() ? null : response;
    } catch (error) {
      log('asking about a window', error);
      return null;
    } finally {
      if (asking === own) asking = null;
    }
  }
}
