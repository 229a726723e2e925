/** A contender's process: asked one thing at a time, idle otherwise. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { ContenderReply, ContenderRequest, Task } from './task.ts';

export class Contender {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #lines: Interface;
  #errors = '';
  version = '';

  private constructor(
    name: string,
    program: string,
    parameters: readonly string[],
    environment: NodeJS.ProcessEnv,
  ) {
    this.name = name;
    this.#process = spawn(program, parameters, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.#process.stderr!.on('data', (text: Buffer) => {
      this.#errors = (this.#errors + text.toString()).slice(-4000);
    });
    this.#lines = createInterface({ input: this.#process.stdout! });
  }

  static async start(
    name: string,
    program: string,
    parameters: readonly string[],
    environment: NodeJS.ProcessEnv = {},
  ): Promise<Contender> {
    const contender = new Contender(name, program, parameters, environment);
    const reply = await contender.#next();
    if ('version' in reply) contender.version = reply.version;
    return contender;
  }

  async prepare(task: Task): Promise<void> {
    await this.#ask({ command: 'prepare', task });
  }

  /** Microseconds per run-step, over at least `seconds` of work. */
  async measure(seconds: number): Promise<{ microseconds: number; loss: number }> {
    const reply = await this.#ask({ command: 'measure', seconds });
    if (!('microseconds' in reply)) throw new Error(`${this.name} answered out of turn`);
    return reply;
  }

  async stop(): Promise<void> {
    this.#process.stdin!.end();
    if (this.#process.exitCode === null) await once(this.#process, 'close');
  }

  #ask(request: ContenderRequest): Promise<ContenderReply> {
    const answer = this.#next();
    this.#process.stdin!.write(`${JSON.stringify(request)}\n`);
    return answer;
  }

  async #next(): Promise<ContenderReply> {
    const abort = new AbortController();
    try {
      const line = await Promise.race([
        once(this.#lines, 'line', { signal: abort.signal }).then(([text]) => text as string),
        once(this.#process, 'close', { signal: abort.signal }).then(() => null),
      ]);
      if (line === null) throw new Error(`${this.name} ended early:\n${this.#errors.trim()}`);
      return JSON.parse(line) as ContenderReply;
    } finally {
      abort.abort();
    }
  }
}
