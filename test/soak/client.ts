/** A window as a program: it comes in by the link that the host printed, and may be slow or vanish. */
import { WebSocket } from 'ws';
import { WebClient } from '../../renderer/client/web-client.ts';

export interface SoakClient {
  readonly client: WebClient;
  /** The connection breaks without a goodbye; the client makes a new one by itself. */
  breakConnection(): void;
  /** Stops reading for a while. */
  pause(milliseconds: number): void;
  close(): void;
}

export async function openClient(url: string): Promise<SoakClient> {
  const response = await fetch(url, { redirect: 'manual' });
  const cookie = response.headers.get('set-cookie')?.split(';')[0];
  if (cookie === undefined) throw new Error(`${url} gave no cookie (status ${response.status})`);
  const { host, origin } = new URL(url);
  const sockets: WebSocket[] = [];
  const client = new WebClient(() => {
    const socket = new WebSocket(`ws://${host}/lab`, { headers: { cookie, origin } });
    // The client hears of it by 'close'.
    socket.on('error', () => undefined);
    sockets.push(socket);
    return socket;
  });
  const newest = () => sockets[sockets.length - 1];
  return {
    client,
    breakConnection: () => newest().terminate(),
    pause: (milliseconds) => {
      const socket = newest();
      if (socket.readyState !== WebSocket.OPEN) return;
      socket.pause();
      setTimeout(() => socket.resume(), milliseconds);
    },
    close: () => {
      client.close();
      for (const socket of sockets) socket.terminate();
    },
  };
}
