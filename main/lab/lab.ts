/**
 * The lab as its windows see it: one store, one queue of training, and everything that a call may ask for. It knows
 * nothing of how calls arrive; `createHandlers` and `dispatch` (main/lab/api) are the door for every transport.
 */
import { statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { ApiError } from '#shared/api/errors.ts';
import type { EngineState, ExperimentCard, LabSettings, QueueState } from '#shared/api/types.ts';
import { parseExperimentFile } from '#shared/experiment/file.ts';
import { checkEngine } from '#main/setup/check-engine.ts';
import { locateEngine } from '#main/setup/locate-engine.ts';
import { toApiError } from './api/api-errors.ts';
import { cardOf } from './api/cards.ts';
import { Cluster } from './api/cluster.ts';
import { Curves } from './api/curve-watcher.ts';
import { Design } from './api/design.ts';
import { Imports } from './api/imports.ts';
import { Jobs } from './api/jobs.ts';
import { Session } from './api/session.ts';
import { defaultSettingsFile, readSettings, writeSettings } from './api/settings-file.ts';
import { Thumbnails } from './api/thumbnails.ts';
import { TrainingQueue } from './api/training-queue.ts';
import { Uploads } from './api/uploads.ts';
import { WorkloadReader } from './api/workload-facts.ts';
import { findOrCreateExperiment } from './create-experiment.ts';
import { DrawingDesk } from './drawing/desk.ts';
import { machineWorkforce } from './scheduler/machine.ts';
import { holdRequestFile, recover } from './scheduler/run-experiment.ts';
import type { RunOptions } from './scheduler/run-experiment.ts';
import type { Wishes, Workforce } from './scheduler/settings.ts';
import { openStore, openStoreReadOnly, StoreError } from './store/index.ts';
import type { ExperimentSummary, ReadableStore, WritableStore } from './store/types.ts';

export interface LabOptions {
  readonly file: string;
  /** Only look, even when the store could be written. */
  readonly readOnly?: boolean;
  /** The product's version. */
  readonly version: string;
  readonly settingsFile?: string;
  /** Trainer processes at once, when it is not the machine that decides. */
  readonly trainers?: number | undefined;
  readonly checkpointSeconds?: number | undefined;
  /** Slurm is asked this often while a window is open (default 15 s). */
  readonly slurmSeconds?: number | undefined;
  /** Faults of the lab itself, for a log. */
  onFault?(message: string, error: unknown): void;
}

/** The store is looked at this often while a window is open. */
const TICK_MILLISECONDS = 250;
/** A store that another program holds is tried again this often. */
const RETRY_MILLISECONDS = 3_000;
/** Cards of all experiments are compared this often when another program writes. */
const FOLLOW_MILLISECONDS = 2_000;
/** Thumbnails are computed within a list call as long as it has taken no longer than this. */
const THUMBNAIL_MILLISECONDS = 60;
const CHECKPOINT_SECONDS = 20;
const SLURM_SECONDS = 15;

export class Lab {
  readonly options: LabOptions;
  readonly jobs: Jobs;
  readonly design: Design;
  readonly uploads: Uploads;
  readonly imports: Imports;
  readonly cluster: Cluster;
  readonly #sessions = new Set<Session>();
  readonly #queue: TrainingQueue;
  readonly #curves: Curves;
  readonly drawings: DrawingDesk;
  readonly #thumbnails: Thumbnails;
  readonly #workloads = new WorkloadReader();
  readonly #settingsFile: string;
  #store: ReadableStore;
  /** The same store when this lab is its writer. */
  #writer: WritableStore | null;
  /** Why it is not; '' when it is, or when only looking was asked for. */
  #locked = '';
  #settings: LabSettings;
  #engine: EngineState | null = null;
  #check: Promise<EngineState> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #revision = '';
  #lastTry = Date.now();
  #lastFollow = 0;
  #followed = new Map<string, string>();
  #pendingThumbnails = new Set<string>();
  #trouble = '';

  private constructor(options: LabOptions, opened: OpenedStore) {
    this.options = options;
    this.#store = opened.store;
    this.#writer = opened.writer;
    this.#locked = opened.locked;
    this.#settingsFile = options.settingsFile ?? defaultSettingsFile();
    this.#settings = readSettings(this.#settingsFile);
    this.#curves = new Curves(
      () => this.#store,
      (experiment, stack) => this.cluster.trains(experiment, stack),
    );
    this.drawings = new DrawingDesk(() => this.#store.file);
    this.#thumbnails = new Thumbnails(this.drawings, (key) => this.experimentsChanged([key]));
    this.jobs = new Jobs((job) => this.#each((session) => session.jobChanged(job)));
    this.uploads = new Uploads(() => (this.#writer === null ? null : `${this.#store.file}.uploads`));
    this.imports = new Imports(() => this.writer());
    this.design = new Design({
      store: () => this.#store,
      workforce: () => this.#workforce(),
      maxCellsPerStack: () => this.#settings.maxCellsPerStack ?? Infinity,
      jobs: this.jobs,
      workloads: this.#workloads,
    });
    this.cluster = new Cluster({
      store: () => this.#store,
      writerIfAny: () => this.#writer,
      writer: () => this.writer(),
      changed: (key) => {
        this.#queueChanged();
        this.experimentsChanged([key]);
        this.#curvesChanged();
      },
      askSeconds: options.slurmSeconds ?? SLURM_SECONDS,
    });
    this.#queue = new TrainingQueue({
      writer: () => this.writer(),
      runOptions: () => this.#runOptions(),
      queueChanged: () => this.#queueChanged(),
      experimentChanged: (key) => this.experimentsChanged([key]),
    });
  }

  /**
   * Opens the store, for writing when that is possible and wanted. A store that another program writes is followed, and
   * taken over when it is free. Throws StoreError when it can be neither written nor read.
   */
  static async open(options: LabOptions): Promise<Lab> {
    const opened = openBest(options.file, options.readOnly === true);
    const lab = new Lab(options, opened);
    if (opened.writer !== null) await recover(opened.writer);
    lab.#revision = lab.#store.revision();
    return lab;
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.cluster.clear();
    await this.#queue.close();
    await this.jobs.close();
    this.drawings.close();
    this.uploads.close();
    this.#store.close();
  }

  get store(): ReadableStore {
    return this.#store;
  }

  get access(): 'write' | 'read' {
    return this.#writer === null ? 'read' : 'write';
  }

  get settings(): LabSettings {
    return this.#settings;
  }

  get isTraining(): boolean {
    return this.#queue.isTraining;
  }

  /** Throws ApiError 'read-only' in words for a person. */
  writer(): WritableStore {
    if (this.#writer === null && this.options.readOnly !== true) this.#takeOver();
    if (this.#writer !== null) return this.#writer;
    throw new ApiError('read-only', this.#readOnlyReason());
  }

  #readOnlyReason(): string {
    return this.options.readOnly === true
      ? 'This window only looks (--read-only): start it without that to change something.'
      : this.#locked;
  }

  // Sessions -------------------------------------------------------------------------------------------------------

  openSession(wake: () => void): Session {
    const session = new Session(this.#curves, wake);
    this.#sessions.add(session);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MILLISECONDS);
    return session;
  }

  closeSession(session: Session): void {
    session.close();
    this.uploads.removeOf(session);
    this.#sessions.delete(session);
    if (this.#sessions.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #each(tell: (session: Session) => void): void {
    for (const session of this.#sessions) tell(session);
  }

  experimentsChanged(keys: readonly string[]): void {
    this.#each((session) => session.experimentsChanged(keys));
  }

  #queueChanged(): void {
    if (this.#sessions.size === 0) return;
    const state = this.queueState();
    this.#each((session) => session.queueChanged(state));
  }

  /** What the store has that windows have not. */
  #tick(): void {
    try {
      if (this.#writer === null) this.#follow();
      this.cluster.tick();
      const revision = this.#store.revision();
      if (revision !== this.#revision) {
        this.#revision = revision;
        this.#curvesChanged();
      }
      this.#drawPending();
      this.#setTrouble('');
    } catch (error) {
      const told = toApiError(error, this.options.file);
      if (told.code === 'internal') this.options.onFault?.('looking for news', error);
      this.#setTrouble(told.message);
    }
  }

  #curvesChanged(): void {
    for (const curves of this.#curves.refresh()) {
      this.#each((session) => session.curvesChanged(curves));
      this.experimentsChanged([curves.experiment]);
    }
  }

  #setTrouble(message: string): void {
    if (message === this.#trouble) return;
    this.#trouble = message;
    this.#queueChanged();
  }

  /** Another program writes: its changes are found by comparing, and its end by trying to take its place. */
  #follow(): void {
    const now = Date.now();
    if (this.options.readOnly !== true && now - this.#lastTry > RETRY_MILLISECONDS) this.#takeOver();
    if (now - this.#lastFollow < FOLLOW_MILLISECONDS) return;
    const before = this.#followed;
    this.#followed = new Map(
      this.#store.experiments().map((experiment) => [experiment.key, JSON.stringify(experiment)]),
    );
    this.#lastFollow = now;
    if (before.size === 0) return;
    const changed = [...this.#followed].filter(([key, text]) => before.get(key) !== text).map(([key]) => key);
    const gone = [...before.keys()].filter((key) => !this.#followed.has(key));
    if (changed.length + gone.length > 0) this.experimentsChanged([...changed, ...gone]);
  }

  #takeOver(): void {
    this.#lastTry = Date.now();
    let writer: WritableStore;
    try {
      writer = openStore(this.options.file);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#locked = error.message;
      return;
    }
    this.#replaceStore({ store: writer, writer, locked: '' });
    void recover(writer)
      .catch((error: unknown) => this.options.onFault?.('recovering', error))
      .then(() => this.#allChanged());
  }

  #replaceStore({ store, writer, locked }: OpenedStore): void {
    const before = this.#store;
    this.#store = store;
    this.#writer = writer;
    this.#locked = locked;
    if (before !== store) before.close();
    this.#revision = store.revision();
    this.#curves.clear();
    this.#thumbnails.clear();
    this.cluster.clear();
    this.#each((session) => session.storeReplaced());
    this.#allChanged();
  }

  #allChanged(): void {
    this.experimentsChanged(this.#store.experiments().map(({ key }) => key));
    this.#queueChanged();
  }

  /** Closes the store, lets `change` do something to its file, and opens it again, whatever came of it. */
  reopenStore(change: () => void): void {
    this.#store.close();
    try {
      change();
    } finally {
      const opened = openBest(this.options.file, this.options.readOnly === true);
      // Spools know more than an older database: what they have is taken in.
      if (opened.writer !== null) ingestAll(opened.writer);
      this.#replaceStore(opened);
    }
  }

  // Experiments ----------------------------------------------------------------------------------------------------

  /** By its whole key. Throws ApiError 'not-found'. */
  find(key: string): ExperimentSummary {
    const found = this.#store.experiment(key);
    // The command line may shorten keys and use names; a window has no reason to.
    if (found.key !== key)
      throw new ApiError('not-found', `The store has no experiment ${key}.`, 'experiment');
    return found;
  }

  activityOf(key: string): 'running' | 'queued' | null {
    return this.#queue.activityOf(key);
  }

  remove(experiment: ExperimentSummary): void {
    const { key, name, id } = experiment;
    if (this.#queue.activityOf(key) === 'running')
      throw new ApiError('not-possible', `"${name}" is being trained: pause it before it is deleted.`);
    this.cluster.refuse(experiment, 'deleted');
    const writer = this.writer();
    this.#queue.pause(key);
    writer.deleteExperiment(id);
    this.experimentsChanged([key]);
  }

  card(experiment: ExperimentSummary): ExperimentCard {
    const activity = {
      here: this.#queue.activityOf(experiment.key),
      isFollowing: this.#writer === null,
      onSlurm: this.cluster.words(experiment),
    };
    const { thumbnail, isCurrent } = this.#thumbnails.peek(experiment);
    if (!isCurrent) this.#pendingThumbnails.add(experiment.key);
    return cardOf(this.#store, experiment, activity, thumbnail);
  }

  /** Thumbnails that take longer come later, one a tick, each with an event. */
  cards(archived: boolean): ExperimentCard[] {
    const started = performance.now();
    return this.#store
      .experiments({ archived })
      .reverse()
      .map((experiment) => {
        if (
          !this.#thumbnails.peek(experiment).isCurrent &&
          performance.now() - started < THUMBNAIL_MILLISECONDS
        )
          this.#thumbnails.compute(this.#store, experiment);
        return this.card(experiment);
      });
  }

  #drawPending(): void {
    for (const key of this.#pendingThumbnails) {
      this.#pendingThumbnails.delete(key);
      const experiment = this.#store.experiments().find((each) => each.key === key);
      if (experiment === undefined || this.#thumbnails.peek(experiment).isCurrent) continue;
      if (this.#thumbnails.compute(this.#store, experiment)) this.experimentsChanged([key]);
      return;
    }
  }

  /** Throws ApiError 'bad-argument' with every problem of the text, one a line. */
  async create(text: string): Promise<{ experiment: ExperimentSummary; isNew: boolean }> {
    const parsed = parseExperimentFile(text);
    if (!parsed.ok) {
      const lines = parsed.problems.map(({ line, field, message }) =>
        [line === null ? '' : `line ${line}`, field === '' ? message : `${field} ${message}`]
          .filter((part) => part !== '')
          .join(': '),
      );
      throw new ApiError('bad-argument', lines.join('\n'), 'text');
    }
    this.writer();
    const { dataChecksum } = await this.#workloads.read(parsed.specification).catch((error: unknown) => {
      throw new ApiError('bad-argument', (error as Error).message, 'text');
    });
    const created = findOrCreateExperiment(this.writer(), parsed.specification, dataChecksum);
    this.experimentsChanged([created.experiment.key]);
    return created;
  }

  // Training -------------------------------------------------------------------------------------------------------

  queueState(): QueueState {
    const problem = [this.#writer === null ? this.#readOnlyReason() : '', this.#trouble, this.#queue.problem]
      .filter((text) => text !== '')
      .join('\n');
    return {
      canTrain: this.#writer !== null,
      problem,
      ...this.#queue.state(),
      slurm: this.cluster.summaries(),
    };
  }

  start(experiment: ExperimentSummary): void {
    this.writer();
    if (experiment.imported !== null)
      throw new ApiError('not-possible', `"${experiment.name}" was imported: it was trained elsewhere.`);
    this.cluster.refuse(experiment, 'trained here');
    // An external program brings its own.
    if (experiment.specification?.workload.kind !== 'external') requireEngine();
    this.#queue.start(experiment);
  }

  pause(experiment: ExperimentSummary): void {
    const { key, id, counts, cells, name } = experiment;
    if (counts.done + counts.diverged === cells)
      throw new ApiError('not-possible', `"${name}" is complete: there is nothing to pause.`);
    this.cluster.refuse(experiment, 'paused');
    if (this.#queue.activityOf(key) === 'running') {
      this.#queue.pause(key);
      return;
    }
    if (this.#writer === null && this.options.readOnly !== true) {
      // The program that has the store looks for this file.
      writeFileSync(holdRequestFile(this.#store, key), '');
      return;
    }
    const writer = this.writer();
    this.#queue.pause(key);
    writer.hold(id, 'paused on request');
    this.experimentsChanged([key]);
  }

  #wishes(): Wishes {
    return { trainers: this.options.trainers, threads: this.#settings.threads ?? undefined };
  }

  #workforce(): Workforce {
    return machineWorkforce(this.#wishes());
  }

  #runOptions(): Omit<RunOptions, 'signal' | 'onProgress' | 'onNotice'> {
    return {
      workforce: this.#workforce(),
      wishes: this.#wishes(),
      checkpointSeconds: this.options.checkpointSeconds ?? CHECKPOINT_SECONDS,
      maxCellsPerStack: this.#settings.maxCellsPerStack ?? undefined,
    };
  }

  // Settings and engine --------------------------------------------------------------------------------------------

  changeSettings(changes: Partial<LabSettings>): LabSettings {
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const settings = { ...this.#settings, ...given };
    writeSettings(this.#settingsFile, settings);
    this.#settings = settings;
    this.#each((session) => session.settingsChanged(settings));
    return settings;
  }

  /** By its files; `checkEngine` tries it. */
  engineState(): EngineState {
    const location = locateEngine();
    const threads = this.#settings.threads ?? availableParallelism();
    if (this.jobs.isRunning('engine-install'))
      return engineState({ state: 'installing', threads, message: 'The engine is being installed.' });
    if (location === null)
      return engineState({
        state: 'missing',
        threads,
        message: 'The TensorFlow engine is not installed yet.',
      });
    if (this.#engine !== null && this.#engine.folder === location.libraryFolder) return this.#engine;
    const { libraryFolder, variant, version } = location;
    return engineState({
      state: 'ready',
      libraryVersion: version,
      device: variant,
      threads,
      folder: libraryFolder,
    });
  }

  /** Loads the engine in a process of its own and lets it compute. Whoever asks meanwhile gets the same answer. */
  checkEngine(): Promise<EngineState> {
    this.#check ??= this.#checkOnce().finally(() => (this.#check = null));
    return this.#check;
  }

  async #checkOnce(): Promise<EngineState> {
    const report = await checkEngine();
    const folder = locateEngine()?.libraryFolder ?? '';
    const threads = this.#settings.threads ?? availableParallelism();
    this.#engine = report.ok
      ? engineState({
          state: 'ready',
          libraryVersion: report.tensorflow,
          device: report.isGpu ? 'cuda' : 'cpu',
          threads: report.threads,
          folder: report.libraryFolder,
          message: [
            `${report.device}: loaded and multiplied in ${report.milliseconds} ms.`,
            ...report.warnings,
          ].join(' '),
        })
      : engineState({
          state: folder === '' ? 'missing' : 'broken',
          threads,
          folder,
          message: `${report.message} ${report.wayOut}`,
        });
    return this.#engine;
  }
}

function engineState(known: Partial<EngineState> & Pick<EngineState, 'state' | 'threads'>): EngineState {
  return { libraryVersion: '', device: '', folder: '', message: '', ...known };
}

/** Throws ApiError 'engine-missing'. */
export function requireEngine(): void {
  if (locateEngine() !== null) return;
  throw new ApiError(
    'engine-missing',
    'The TensorFlow engine that trains is not installed yet. Install it in the settings; it is fetched once.',
  );
}

interface OpenedStore {
  readonly store: ReadableStore;
  readonly writer: WritableStore | null;
  readonly locked: string;
}

function openBest(file: string, readOnly: boolean): OpenedStore {
  if (readOnly) return { store: openStoreReadOnly(file), writer: null, locked: '' };
  try {
    const writer = openStore(file);
    return { store: writer, writer, locked: '' };
  } catch (error) {
    const canLook =
      error instanceof StoreError &&
      ['locked', 'read-only', 'disk-full', 'from-the-future'].includes(error.code);
    if (!canLook || statSync(file, { throwIfNoEntry: false }) === undefined) throw error;
    return { store: openStoreReadOnly(file), writer: null, locked: error.message };
  }
}

function ingestAll(writer: WritableStore): void {
  const stacks = writer.experiments().flatMap(({ id }) => writer.stacks(id));
  for (const key of new Set(stacks.map((stack) => stack.key))) writer.ingest(key);
}
