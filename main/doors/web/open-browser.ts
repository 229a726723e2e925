/** Opens a link in the user's browser; where that is not possible the printed link serves. */
import { spawn } from 'node:child_process';

const openers: Partial<Record<NodeJS.Platform, readonly [program: string, ...args: string[]]>> = {
  darwin: ['open'],
  // The empty argument is the title of the window.
  win32: ['cmd', '/c', 'start', ''],
  linux: ['xdg-open'],
};

/** Resolves to whether a program for it was started. */
export function openBrowser(url: string): Promise<boolean> {
  const opener = openers[process.platform];
  if (opener === undefined) return Promise.resolve(false);
  const [program, ...args] = opener;
  return new Promise((resolve) => {
    const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
