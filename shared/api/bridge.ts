/** What the desktop shell puts on the page as `window.surgeLab`; nothing else of Electron is within the page's reach. */
import type { ApiErrorCode } from './errors.ts';
import type { LabNews } from './messages.ts';

export type BridgeOutcome =
  | { readonly ok: true; readonly result: unknown }
  | {
      readonly ok: false;
      readonly error: { readonly code: ApiErrorCode; readonly message: string; readonly path: string };
    };

/** From the native menu: a key of the page's key map ('Ctrl+K'), or a place in the window ('#/settings'). */
export type DesktopCommand = { readonly press: string } | { readonly go: string };

export interface LabBridge {
  /** Name and argument are checked on the lab's side, as for every other door. */
  call(name: string, argument: unknown): Promise<BridgeOutcome>;
  /** News come from the first listener on. Returns the function that ends it. */
  onNews(listener: (news: LabNews) => void): () => void;
  onCommand(listener: (command: DesktopCommand) => void): () => void;
}
