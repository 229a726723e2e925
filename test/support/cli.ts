/** Runs `surge` as a user does: a real process through the launcher; commands that only read share one. */
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import { metrics, type Metric } from '#shared/experiment/stack.ts';
import { openStoreReadOnly } from '#main/lab/store/index.ts';
import { findNode } from '#main/setup/node.ts';
import type { ReadableStore, Stack } from '#main/lab/store/types.ts';
import type { Answer, Question } from './command-server.ts';

const LAUNCHER = fileURLToPath(new URL('../../main/setup/launch.mjs', import.meta.url));
const SERVER = fileURLToPath(new URL('command-server.ts', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
}

/** With `group`, a cgroup.procs file, surge and its trainers live inside that control group. */
export function startSurge(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  group?: string,
): Running {
  const command = [process.execPath, LAUNCHER, 'surge', ...args];
  const [program, ...rest] =
    group === undefined ? command : ['/bin/sh', '-c', `echo $$ > "$0" && exec "$@"`, group, ...command];
  const child = spawn(program, rest, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const finished = new Promise<Finished>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  );
  return { child, finished };
}

/** Commands that look at a store and end: they leave nothing behind in their process. */
const readers = new Set([
  'controls',
  'export',
  'figure',
  'laws',
  'list',
  'migrate',
  'protocol',
  'recommend',
  'refine',
  'ridge',
  'show',
  'status',
  'theory',
]);

/** Each in a process of its own, but for those that only read: they share one process in each test file. */
export function surge(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  group?: string,
): Promise<Finished> {
  const onlyReads = readers.has(args[0]) || args.at(-1) === '--help';
  if (onlyReads && Object.keys(environment).length === 0 && group === undefined) return ask(args);
  return startSurge(args, environment, group).finished;
}

let server: ChildProcess | null = null;
let lastAnswer: Promise<unknown> = Promise.resolve();

/** In turn: the process answers one question at a time. */
function ask(args: readonly string[]): Promise<Finished> {
  const answer = lastAnswer.then(async (): Promise<Finished> => {
    server ??= fork(SERVER, {
      execPath: findNode(),
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const its = server;
    const told = await new Promise<Answer>((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`the command server ended with code ${code}`));
      its.once('exit', ended);
      its.once('message', (answer: Answer) => {
        its.off('exit', ended);
        resolve(answer);
      });
      its.send({ args } satisfies Question);
    });
    return { ...told, signal: null };
  });
  lastAnswer = answer.catch(() => (server = null));
  return answer;
}

/** Runs a command with --json: its exit code and what it printed, which must be one JSON document. */
export async function surgeJson(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; value: unknown; stderr: string }> {
  const { code, stdout, stderr } = await surge([...args, '--json'], environment);
  try {
    return { code, value: JSON.parse(stdout), stderr };
  } catch {
    throw new Error(`surge ${args.join(' ')} printed no JSON (exit code ${code}):\n${stdout}\n${stderr}`);
  }
}

/** Resolves when the condition holds; throws after the given time, naming what was waited for. */
export async function waitUntil(what: string, condition: () => boolean, seconds = 300): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`after ${seconds} s still waiting until ${what}`);
    await setTimeout(25);
  }
}

/** All stacks of a store that may not be there yet. */
export function stacksOf(file: string): Stack[] {
  if (!existsSync(file)) return [];
  let store: ReadableStore;
  try {
    store = openStoreReadOnly(file);
  } catch {
    // It is being created at this moment.
    return [];
  }
  try {
    const all = store.experiments().flatMap((e) => store.stacks(e.id));
    return [...new Map(all.map((stack) => [stack.key, stack])).values()];
  } finally {
    store.close();
  }
}

/** Every curve of the only experiment of a store as bytes: equal exactly when each value is, NaN included. */
export function curvesOf(file: string): { metric: Metric; recorded: number[]; bytes: string }[] {
  const store = openStoreReadOnly(file);
  try {
    const [experiment, ...others] = store.experiments();
    if (others.length > 0) throw new Error(`${file} has ${others.length + 1} experiments`);
    return metrics.map((metric) => {
      const { recorded, values } = store.curveSet(experiment.id, metric);
      return {
        metric,
        recorded: [...recorded],
        bytes: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64'),
      };
    });
  } finally {
    store.close();
  }
}

/** How often each stack was started and finished, by the word of its spool. */
export function spoolEvents(file: string): { starts: number; finishes: number }[] {
  const folder = `${file}.spool`;
  return readdirSync(folder)
    .filter((name) => /^stack-.*\.jsonl$/.test(name))
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      const times = (event: string) => text.split(`"event":"${event}"`).length - 1;
      return { starts: times('start'), finishes: times('finished') };
    });
}

/** A folder of its own for a test; call the result's `remove` at the end. */
export function temporaryFolder(): { path: string; file(name: string): string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'surge-cli-'));
  return {
    path,
    file: (name) => join(path, name),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export function writeExperiment(file: string, specification: SpecificationInput): void {
  writeFileSync(file, stringify(specification));
}
