/** A lab behind its loopback host, and windows that are connected to it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { WebHost } from '#main/doors/web/server.ts';
import { Lab, type LabOptions } from '#main/lab/lab.ts';
import { WebClient } from '#renderer/client/web-client.ts';

/** A stand-in for the built window. */
export const PAGE =
  '<!doctype html><title>Surge Lab</title><script type="module" src="./assets/main.js"></script>';

export interface Hosted {
  readonly lab: Lab;
  readonly host: WebHost;
  readonly origin: string;
  readonly socketUrl: string;
  readonly cookie: string;
  readonly faults: string[];
  close(): Promise<void>;
}

export async function hostLab(folder: string, changes: Partial<LabOptions> = {}, port = 0): Promise<Hosted> {
  const files = join(folder, 'window');
  mkdirSync(join(files, 'assets'), { recursive: true });
  writeFileSync(join(files, 'index.html'), PAGE);
  writeFileSync(join(files, 'assets', 'main.js'), 'export {};');
  const faults: string[] = [];
  const lab = await Lab.open({
    file: join(folder, 'lab.surge'),
    settingsFile: join(folder, 'settings.json'),
    version: 'test',
    onFault: (what, error) => faults.push(`${what}: ${String(error)}`),
    ...changes,
  });
  const host = await WebHost.start({ lab, files, port });
  const answer = await fetch(host.url, { redirect: 'manual' });
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
  return {
    lab,
    host,
    origin: `http://127.0.0.1:${host.port}`,
    socketUrl: `ws://127.0.0.1:${host.port}/lab`,
    cookie,
    faults,
    close: async () => {
      await host.close();
      await lab.close();
    },
  };
}

/** A socket as a page of the host would open it. */
export function openSocket({
  socketUrl,
  origin,
  cookie,
}: Pick<Hosted, 'socketUrl' | 'origin' | 'cookie'>): WebSocket {
  return new WebSocket(socketUrl, { headers: { cookie, origin } });
}

/** ws has the same events and members as the browser's sockets. */
export function connectWindow(hosted: Pick<Hosted, 'socketUrl' | 'origin' | 'cookie'>): WebClient {
  return new WebClient(() => openSocket(hosted));
}
