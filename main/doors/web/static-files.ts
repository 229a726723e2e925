/** The window's files, from one folder and nowhere else. */
import { realpathSync, statSync } from 'node:fs';
import { extname, join, sep } from 'node:path';

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.txt': 'text/plain; charset=utf-8',
};

export interface StaticFile {
  readonly path: string;
  readonly mediaType: string;
  readonly bytes: number;
  /** Its name changes with its content, so a browser may keep it. */
  readonly isHashed: boolean;
}

/** The file of a request's path, already without its query; null when there is none inside of the folder. */
export function findFile(folder: string, requestPath: string): StaticFile | null {
  let wanted: string;
  try {
    wanted = decodeURIComponent(requestPath);
  } catch {
    return null;
  }
  if (wanted === '/') wanted = '/index.html';
  // What a file system could read differently from us is refused before it is asked.
  if (!/^(\/[\w-][\w.-]*)+$/.test(wanted)) return null;
  const mediaType = mediaTypes[extname(wanted)];
  if (mediaType === undefined) return null;
  try {
    const root = realpathSync(folder);
    const path = realpathSync(join(root, wanted));
    if (!path.startsWith(root + sep)) return null;
    const stats = statSync(path);
    if (!stats.isFile()) return null;
    return { path, mediaType, bytes: stats.size, isHashed: wanted.startsWith('/assets/') };
  } catch {
    return null;
  }
}
