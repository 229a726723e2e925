/** app://lab/: the window's files, from one folder and nowhere else, each with the policy of the page. */
import { readFile } from 'node:fs/promises';
import { protocol, type Session } from 'electron';
import { securityHeaders } from '#main/doors/web/headers.ts';
import { findFile } from '#main/doors/web/static-files.ts';
import { isOurs, SCHEME } from './address.ts';

const headers = securityHeaders();

/** Before the app is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
}

export function serveWindow(session: Session, folder: string): void {
  session.protocol.handle(SCHEME, (request) => answer(folder, request));
}

async function answer(folder: string, { url, method }: Request): Promise<Response> {
  if (method !== 'GET' && method !== 'HEAD') return refusal(405);
  if (!isOurs(url)) return refusal(404);
  const file = findFile(folder, pathOf(url));
  if (file === null) return refusal(404);
  try {
    const bytes = await readFile(file.path);
    return new Response(method === 'HEAD' ? null : new Uint8Array(bytes), {
      headers: { ...headers, 'Content-Type': file.mediaType, 'Cache-Control': 'no-cache' },
    });
  } catch {
    return refusal(404);
  }
}

/** As it was asked for: URL would resolve the dots of a traversal, and so hide it. */
function pathOf(url: string): string {
  const path = /^[^:]+:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? '';
  return path === '' ? '/' : path;
}

function refusal(status: number): Response {
  return new Response('', { status, headers });
}
