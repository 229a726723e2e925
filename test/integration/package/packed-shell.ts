/**
 * The packed shell, run as Electron would run it: bundle and preload script from the archive, 'electron' being the stand-in.
 * `packed-shell.ts ARCHIVE STORE STEP` prints what it saw as one line of JSON and ends by itself when nothing is left
 * running. Steps: 'look' opens the window and calls the lab; 'train' starts an experiment as well and quits while it is
 * trained; 'continue' goes on with it to its end; 'fetch' fetches the engine.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stringify } from 'yaml';
import type { DesktopCommand, LabBridge } from '#shared/api/bridge.ts';
import type { LabNews } from '#shared/api/messages.ts';
import type { AboutLab, ExperimentCard, FigureFile, Job, QueueState } from '#shared/api/types.ts';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import { BrowserWindow, loadPreload, session, world } from '../../support/electron/index.ts';

export type Step = 'look' | 'fetch' | 'train' | 'continue';

/** What the test looks at. */
export interface PackedReport {
  readonly version: string;
  readonly url: string;
  readonly files: Record<string, number>;
  readonly bridge: readonly string[];
  readonly experiments: readonly (readonly [name: string, state: string])[];
  /** Name and first bytes of every file of a figure. */
  readonly figures: readonly (readonly [name: string, start: string])[];
  readonly questions: readonly string[];
  readonly errors: readonly string[];
  readonly commands: readonly DesktopCommand[];
  /** How the installation of the engine ended. */
  readonly job: string | null;
  readonly exitCode: number | null;
  /** Program and script of every process that was started. */
  readonly started: readonly (readonly [program: string, script: string])[];
}

const MINUTE = 60_000;
const specification: SpecificationInput = {
  name: 'packed',
  workload: { kind: 'mlp', hidden: [8] },
  optimizer: { kind: 'sign' },
  learningRates: { list: [0.001, 0.01] },
  batchSizes: { list: [8] },
  seeds: 1,
  length: { steps: 20_000 },
  evaluation: { examples: 100 },
};

const [archive, store, step] = process.argv.slice(2);
const children: ChildProcess[] = [];
subscribe('child_process', (message) => children.push((message as { process: ChildProcess }).process));
const standIn = new URL('../../support/electron/index.ts', import.meta.url).href;
registerHooks({
  resolve: (name, context, next) =>
    name === 'electron' ? { url: standIn, shortCircuit: true } : next(name, context),
});
// Only a real Node may run trainers, and this must not pass for one.
Object.defineProperty(process.versions, 'electron', { value: 'stand-in' });
process.argv = [process.argv[0], '--store', store];
Object.assign(world, { appPath: archive, userData: join(dirname(store), 'user-data') });
if (step === 'fetch') world.answers.push('Fetch It Now');
if (step === 'continue') world.answers.push('Continue Training');

await import(pathToFileURL(join(archive, 'dist', 'app', 'main.js')).href);
const window = await until('a window', () => Promise.resolve(BrowserWindow.all.at(0)));
const { preload } = window.options.webPreferences as { preload: string };
const exposed = loadPreload(preload, window.webContents);
const bridge = exposed.surgeLab as LabBridge;
let lastNews: LabNews | null = null;
const jobs: Job[] = [];
bridge.onNews((news) => {
  lastNews = news;
  if (news.name === 'job.changed') jobs.push(news.payload);
});
const commands: DesktopCommand[] = [];
bridge.onCommand((command) => commands.push(command));

const { version } = await call<AboutLab>('lab.about');
const files = await servedFiles(window.url);
if (step === 'train') {
  await call('experiments.create', { text: stringify(specification), start: true });
  await until('training', async () => ((await running())?.runStepsDone ? true : undefined));
  assert.equal(world.blockers.size, 1, 'the computer is kept awake');
  assert.ok(lastNews !== null, 'the page hears what happens');
  world.answers.push('Save a Checkpoint and Quit');
}
if (step === 'continue')
  await until('the end of training', async () => {
    const isComplete = (await states()).some(([, state]) => state === 'complete');
    return isComplete && (await running()) === null ? true : undefined;
  });
if (step === 'fetch') await until('the engine', () => Promise.resolve(jobs.find(({ done }) => done)));
const job = jobs.at(-1)?.error ?? null;
const figures = step === 'continue' ? await draw() : [];
const experiments = await states();
window.close();
await until('the end', () => Promise.resolve(world.exitCode ?? undefined));
assert.equal(world.blockers.size, 0, 'the computer may sleep again');

const { url } = window;
const questions = world.questions.map(({ message }) => message);
const { errors, exitCode } = world;
const started = children.map(
  ({ spawnfile, spawnargs }) =>
    [spawnfile, spawnargs.find((word) => /\.(ts|mjs)$/.test(word)) ?? ''] as const,
);
const report: PackedReport = {
  ...{ version, url, files, bridge: Object.keys(bridge), experiments, figures, questions },
  ...{ errors, exitCode, started, commands, job },
};
console.log(JSON.stringify(report));

async function call<Result>(name: string, argument?: unknown): Promise<Result> {
  const outcome = await bridge.call(name, argument);
  assert.ok(outcome.ok, `${name}: ${JSON.stringify(outcome)}`);
  return outcome.result as Result;
}

async function running(): Promise<QueueState['running']> {
  return (await call<QueueState>('training.queue')).running;
}

async function states(): Promise<[string, string][]> {
  const cards = await call<ExperimentCard[]>('experiments.list', { archived: false });
  return cards.map(({ name, state }) => [name, state]);
}

/** Drawn in a process of its own: with fonts, PDF and pixels. */
async function draw(): Promise<[string, string][]> {
  const [{ key: experiment }] = await call<ExperimentCard[]>('experiments.list', { archived: false });
  const specification = { kind: 'losses', experiment };
  const formats = ['svg', 'pdf', 'png'];
  const files = await call<FigureFile[]>('figures.render', {
    ...{ experiments: [experiment], specification, formats, preset: 'neurips-text' },
  });
  return files.map(({ name, bytes }) => [name, Buffer.from(bytes.subarray(0, 5)).toString('latin1')]);
}

/** Status of the page and of every file that it names. */
async function servedFiles(page: string): Promise<Record<string, number>> {
  const ask = (address: string) => session.defaultSession.served.get('app')!(new Request(address));
  const answer = await ask(page);
  const found: Record<string, number> = { [page]: answer.status };
  for (const [, name] of (await answer.text()).matchAll(/(?:src|href)="([^"]+)"/g)) {
    const address = new URL(name, page).href;
    found[address] = (await ask(address)).status;
  }
  return found;
}

async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 3 * MINUTE; Date.now() < end;) {
    const found = await ask();
    if (found !== undefined) return found;
    assert.equal(world.errors.length, 0, world.errors.join('\n'));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain for ${what}`);
}
