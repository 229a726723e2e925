/** Where the lab has its pictures drawn: one process, started when it is needed and ended when it has been idle. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ApiError } from '#shared/api/errors.ts';
import { findNode } from '#main/setup/node.ts';
import {
  messagesOf,
  packed,
  type DrawingArgument,
  type DrawingKind,
  type DrawingReply,
  type DrawingRequest,
  type DrawingResult,
} from './messages.ts';

const DRAWING = fileURLToPath(new URL('drawing.ts', import.meta.url));
const IDLE_MILLISECONDS = 60_000;
const LOG_TAIL_CHARACTERS = 2_000;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: ApiError) => void;
}

export class DrawingDesk {
  readonly #file: () => string;
  readonly #program: string;
  #process: ChildProcess | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #idle: NodeJS.Timeout | undefined;

  /** `program` is that of tests, which break it. */
  constructor(file: () => string, program = DRAWING) {
    this.#file = file;
    this.#program = program;
  }

  /** In the order of asking. Throws ApiError: that of the drawing, or 'internal' when the process ended over it. */
  draw<Kind extends DrawingKind>(kind: Kind, argument: DrawingArgument<Kind>): Promise<DrawingResult<Kind>> {
    clearTimeout(this.#idle);
    const child = (this.#process ??= this.#start());
    const id = ++this.#lastId;
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    // The compiler does not see that kind and argument belong together.
    child.stdin!.write(packed({ id, kind, file: this.#file(), argument } as DrawingRequest));
    return answer as Promise<DrawingResult<Kind>>;
  }

  close(): void {
    clearTimeout(this.#idle);
    const child = this.#process;
    this.#process = null;
    child?.kill('SIGKILL');
    this.#fail('the lab ends');
  }

  #start(): ChildProcess {
    const child = spawn(findNode(), ['--disable-warning=ExperimentalWarning', this.#program], {
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    let errors = '';
    child.stderr!.on('data', (data: Buffer) => {
      errors = (errors + data.toString()).slice(-LOG_TAIL_CHARACTERS);
    });
    child.stdin!.on('error', () => undefined);
    const end = (reason: string) => {
      if (this.#process !== child) return;
      this.#process = null;
      this.#fail(reason);
    };
    child.once('error', (error) => end(error.message));
    child.once('close', (code, signal) => end(errors.trim() || `it ended with ${signal ?? code}`));
    this.#listen(child).catch((error: unknown) => {
      child.kill('SIGKILL');
      end(String(error));
    });
    return child;
  }

  async #listen(child: ChildProcess): Promise<void> {
    for await (const reply of messagesOf<DrawingReply>(child.stdio[3] as Readable)) {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.ok) waiting?.resolve(reply.result);
      else waiting?.reject(new ApiError(reply.error.code, reply.error.message, reply.error.path));
      if (this.#waiting.size > 0) continue;
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => this.#dismiss(child), IDLE_MILLISECONDS);
      this.#idle.unref();
    }
  }

  #dismiss(child: ChildProcess): void {
    if (this.#process === child) this.#process = null;
    child.stdin?.end();
  }

  #fail(reason: string): void {
    const error = new ApiError('internal', `The picture could not be drawn: ${reason}`);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
