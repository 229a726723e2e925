/**
 * The lab for windows of the desktop shell. The only file that touches ipcMain and sends to a window: here it is decided
 * who may call, and who hears news.
 */
import { ipcMain, type IpcMainEvent, type IpcMainInvokeEvent, type WebContents } from 'electron';
import type { DesktopCommand } from '#shared/api/bridge.ts';
import { dispatch, type Outcome } from '#main/lab/api/dispatch.ts';
import { createHandlers } from '#main/lab/api/handlers.ts';
import type { Lab } from '#main/lab/lab.ts';
import { channels } from './channels.ts';
import { WindowLink } from './window-link.ts';
import { isTooHeavy } from './weight.ts';

/** Calls of one window that have not been answered yet. */
const MOST_CALLS = 256;

export interface IpcDoorOptions {
  readonly lab: Lab;
  /** Whether a page of this address is ours. */
  isOurs(url: string): boolean;
  onFault(what: string, error: unknown): void;
}

export class IpcDoor {
  readonly #options: IpcDoorOptions;
  /** Windows that the shell made; nobody else may call. */
  readonly #windows = new Map<WebContents, WindowLink | null>();

  constructor(options: IpcDoorOptions) {
    this.#options = options;
    ipcMain.handle(channels.call, (event, name: unknown, argument: unknown) =>
      this.#answer(event, name, argument),
    );
    ipcMain.on(channels.listen, (event) => this.#linkOf(event)?.listen());
    ipcMain.on(channels.taken, (event) => this.#linkOf(event)?.taken());
  }

  /** Lets a window in. Its session ends with its page: at a reload, a crash, or its end. */
  admit(contents: WebContents): void {
    this.#windows.set(contents, null);
    const end = () => this.#drop(contents);
    contents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      if (isMainFrame && !isSameDocument) end();
    });
    contents.on('render-process-gone', end);
    contents.once('destroyed', () => {
      end();
      this.#windows.delete(contents);
    });
  }

  command(contents: WebContents, command: DesktopCommand): void {
    if (this.#windows.has(contents) && !contents.isDestroyed()) contents.send(channels.command, command);
  }

  close(): void {
    ipcMain.removeHandler(channels.call);
    ipcMain.removeAllListeners(channels.listen);
    ipcMain.removeAllListeners(channels.taken);
    for (const contents of this.#windows.keys()) this.#drop(contents);
  }

  async #answer(event: IpcMainInvokeEvent, name: unknown, argument: unknown): Promise<Outcome> {
    const link = this.#linkOf(event);
    // Whoever this is, it is none of ours: it learns nothing.
    if (link === null) throw new Error('refused');
    if (typeof name !== 'string') return refusal('The name of a call is a text.');
    if (link.calls >= MOST_CALLS) return refusal('Too many calls at once.');
    if (isTooHeavy(argument)) return refusal('The argument of this call is too large.');
    link.calls++;
    try {
      return await dispatch(link.handlers, name, argument, {
        storeFile: this.#options.lab.options.file,
        onFault: (what, error) => this.#options.onFault(what, error),
      });
    } finally {
      link.calls--;
    }
  }

  /** The session behind a message; null unless the page itself (no frame in it) of one of our windows sent it. */
  #linkOf({ sender, senderFrame }: IpcMainInvokeEvent | IpcMainEvent): WindowLink | null {
    const known = this.#windows.get(sender);
    if (known === undefined || senderFrame === null || senderFrame !== sender.mainFrame) return null;
    if (!this.#options.isOurs(senderFrame.url)) return null;
    if (known !== null) return known;
    const { lab } = this.#options;
    const link = new WindowLink({
      lab,
      handlersOf: (session) => createHandlers(lab, session),
      send: (news) => {
        if (!sender.isDestroyed()) sender.send(channels.news, news);
      },
    });
    this.#windows.set(sender, link);
    return link;
  }

  #drop(contents: WebContents): void {
    this.#windows.get(contents)?.close();
    if (this.#windows.has(contents)) this.#windows.set(contents, null);
  }
}

function refusal(message: string): Outcome {
  return { ok: false, error: { code: 'bad-argument', message, path: '' } };
}
