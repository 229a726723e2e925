/** The loopback host: the window's files over HTTP and the lab over a WebSocket, for whoever has the link. */
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Lab } from '#main/lab/lab.ts';
import { Access } from './access.ts';
import { Connection } from './connection.ts';
import { securityHeaders } from './headers.ts';
import { findFile } from './static-files.ts';

export interface WebOptions {
  readonly lab: Lab;
  /** Folder of the built window. */
  readonly files: string;
  /** 0: any free one. */
  readonly port: number;
}

/** A call's argument; uploads come in smaller pieces. */
const MOST_MESSAGE_BYTES = 16 << 20;
const MOST_CONNECTIONS = 64;
const SOCKET_PATH = '/lab';
const LOOPBACK = '127.0.0.1';

export class WebHost {
  readonly url: string;
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MOST_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  readonly #connections = new Set<Connection>();
  readonly #access: Access;
  readonly #options: WebOptions;
  readonly #headers: Record<string, string>;

  private constructor(server: Server, options: WebOptions) {
    this.#server = server;
    this.#options = options;
    this.port = (server.address() as AddressInfo).port;
    this.#access = new Access(this.port);
    this.#headers = securityHeaders([LOOPBACK, 'localhost'].map((host) => `ws://${host}:${this.port}`));
    this.url = `http://${LOOPBACK}:${this.port}/open?token=${this.#access.token}`;
    server.on('request', (request, response) => this.#answer(request, response));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Rejects with the system's error when the port cannot be had. */
  static async start(options: WebOptions): Promise<WebHost> {
    const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16_384 });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, LOOPBACK, () => resolve());
    });
    return new WebHost(server, options);
  }

  /** Windows that are connected now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Every window loses its connection and makes a new one. */
  dropConnections(): void {
    for (const client of this.#sockets.clients) client.terminate();
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.close();
    this.#sockets.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    setTimeout(() => {
      for (const client of this.#sockets.clients) client.terminate();
      this.#server.closeAllConnections();
    }, 500);
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(this.#headers)) response.setHeader(name, value);
    const access = this.#access;
    if (!access.isOurHost(request)) return refuse(response, 421, 'This is not the address of this lab.');
    if (!access.isOurOrigin(request, false) || access.isFromElsewhere(request))
      return refuse(response, 403, 'Only pages of this lab may ask for this.');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return refuse(response, 405, 'Only GET and HEAD are answered here.');
    }
    const target = request.url ?? '/';
    const cut = target.indexOf('?');
    const [path, query] = cut < 0 ? [target, ''] : [target.slice(0, cut), target.slice(cut + 1)];
    if (path === '/open') return this.#letIn(new URLSearchParams(query).get('token'), response);
    if (!access.hasCookie(request))
      return refuse(
        response,
        401,
        'Open the link that surge serve has printed: it holds the key to this lab.',
      );
    this.#sendFile(path, request.method === 'HEAD', response);
  }

  #letIn(token: string | null, response: ServerResponse): void {
    if (!this.#access.isToken(token))
      return refuse(
        response,
        401,
        'This link is of an earlier start: use the one that surge serve has printed last.',
      );
    response.writeHead(303, {
      Location: '/',
      'Set-Cookie': this.#access.cookie(),
      'Cache-Control': 'no-store',
    });
    response.end();
  }

  #sendFile(path: string, isHead: boolean, response: ServerResponse): void {
    const file = findFile(this.#options.files, path);
    if (file === null) return refuse(response, 404, 'There is no such file.');
    response.writeHead(200, {
      'Content-Type': file.mediaType,
      'Content-Length': file.bytes,
      'Cache-Control': file.isHashed ? 'private, max-age=31536000, immutable' : 'no-store',
    });
    if (isHead) return void response.end();
    createReadStream(file.path)
      .on('error', () => response.destroy())
      .pipe(response);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const access = this.#access;
    const status = !access.isOurHost(request)
      ? '421 Misdirected Request'
      : !access.isOurOrigin(request, true)
        ? '403 Forbidden'
        : !access.hasCookie(request)
          ? '401 Unauthorized'
          : request.url !== SOCKET_PATH
            ? '404 Not Found'
            : this.#connections.size >= MOST_CONNECTIONS
              ? '503 Service Unavailable'
              : null;
    if (status !== null) {
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new Connection(webSocket, this.#options.lab);
      this.#connections.add(connection);
      webSocket.on('close', () => this.#connections.delete(connection));
    });
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(`${message}\n`);
}
