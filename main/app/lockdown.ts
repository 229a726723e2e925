/**
 * What a page may not do, whatever it says: leave its address, open windows, embed others, ask for devices, or reach the
 * network. A fault of the page must not become a fault of the computer.
 */
import { app, shell, type Session, type WebContents } from 'electron';
import { isOurs } from './address.ts';

/** Where the menu leads. Nothing else is ever handed to the system. */
const links = {
  paper: 'https://arxiv.org/abs/2405.14578',
} as const;

/** Copying a figure or a text needs this one; it only writes. */
const GRANTED = 'clipboard-sanitized-write';
/** The page's own files, and what it makes itself (downloads); 'devtools:' only ever loads itself. */
const LOCAL_SCHEMES = new Set(['blob:', 'data:', 'devtools:']);

export function openLink(link: keyof typeof links): Promise<void> {
  return shell.openExternal(links[link]);
}

/** For every page there will ever be, those nobody meant to make included. */
export function lockPages(): void {
  app.on('web-contents-created', (_event, contents) => lockPage(contents));
}

function lockPage(contents: WebContents): void {
  contents.on('will-navigate', (details) => {
    if (!isOurs(details.url)) details.preventDefault();
  });
  contents.on('will-frame-navigate', (details) => {
    if (!details.isMainFrame || !isOurs(details.url)) details.preventDefault();
  });
  contents.on('will-redirect', (details) => details.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
}

export function lockSession(session: Session): void {
  const mayHave = (permission: string, url: string) => permission === GRANTED && isOurs(url);
  session.setPermissionRequestHandler((_contents, permission, answer, { requestingUrl }) =>
    answer(mayHave(permission, requestingUrl)),
  );
  session.setPermissionCheckHandler((_contents, permission, origin) => mayHave(permission, origin));
  session.setDevicePermissionHandler(() => false);
  session.webRequest.onBeforeRequest(({ url }, answer) => answer({ cancel: !isLocal(url) }));
}

function isLocal(url: string): boolean {
  return isOurs(url) || (URL.canParse(url) && LOCAL_SCHEMES.has(new URL(url).protocol));
}
