/** Where the window's pages live: app://lab/. A scheme of our own has an origin, which file:// has not. */

export const SCHEME = 'app';
const HOST = 'lab';
export const WINDOW_URL = `${SCHEME}://${HOST}/`;

export function isOurs(url: string): boolean {
  try {
    const { protocol, host, username, password } = new URL(url);
    return protocol === `${SCHEME}:` && host === HOST && username === '' && password === '';
  } catch {
    return false;
  }
}
