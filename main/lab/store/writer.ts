/** The one writer of a store. Every decision goes to the lab's journal first and to SQLite second. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import type { Specification } from '#shared/experiment/specification.ts';
import type { CellConfiguration, CellState, StackPlan } from '#shared/experiment/stack.ts';
import type { ImportedSweep } from '#shared/import/sweep.ts';
import type { SavedFigureRecord } from '#shared/figure/saved-figure.ts';
import type { PredictionRecord } from '#shared/theory/prediction-record.ts';
import { canonicalJson, newExperimentKey, newStackKey } from '../identity.ts';
import { applyFact, type RemovedFiles } from './apply-fact.ts';
import { factSchema, type Fact, type FactOf } from './facts.ts';
import { completeLines, linesOf, tailBefore } from './complete-lines.ts';
import { SpoolIngester } from './ingest.ts';
import type { LabJournal } from './journal.ts';
import { importFact, importIdentity, writeRows } from './import-rows.ts';
import { stackSpoolFile } from './paths.ts';
import { StoreReader, type StoredCell } from './reader.ts';
import { asStoreError, StoreError } from './store-error.ts';
import { transact } from './transact.ts';
import type {
  AdoptedStack,
  Annotations,
  CarriedIdentity,
  CarriedImport,
  ExperimentSummary,
  ImportOrigin,
  IngestResult,
  LabEvent,
  Stack,
  StackSettings,
  StackState,
  StoredPrediction,
  WritableStore,
} from './types.ts';
import type { WriterLock } from './writer-lock.ts';

interface StackProgress {
  state: StackState;
  spool_offset: number;
  checkpoint_step: number;
  failures: number;
  ending: IngestResult['ending'];
}

/** States that resetCells may take back. A finished cell is never trained again. */
const resettable: readonly CellState[] = ['failed', 'interrupted', 'out-of-memory'];

export class StoreWriter extends StoreReader implements WritableStore {
  readonly #database: Database;
  readonly #journal: LabJournal;
  readonly #lock: WriterLock;
  readonly #ingester: SpoolIngester;
  /** Stacks whose trainer this very process started, with their checkpoint's step at that time. */
  readonly #startedAt = new Map<string, number>();

  constructor(database: Database, file: string, journal: LabJournal, lock: WriterLock) {
    super(database, file);
    this.#database = database;
    this.#journal = journal;
    this.#lock = lock;
    this.#ingester = new SpoolIngester(database);
  }

  #guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw asStoreError(error, this.file);
    }
  }

  #saveJournalOffset(offset: number): void {
    this.#database
      .prepare('UPDATE store_state SET journal_offset = ?, journal_tail = ?')
      .run(offset, tailBefore(this.#journal.descriptor, offset));
  }

  /** Spool, checkpoint, log: everything that carries the key of a stack or import. */
  #removeFiles(prefixes: RemovedFiles): void {
    if (prefixes.length === 0) return;
    for (const name of readdirSync(this.spoolFolder)) {
      if (prefixes.some((prefix) => name.startsWith(prefix)))
        rmSync(join(this.spoolFolder, name), { recursive: true, force: true });
    }
  }

  #filePrefixes(): Set<string> {
    return new Set(
      this.#database
        .prepare<[], string>(
          `SELECT 'stack-' || key || '.' FROM stacks UNION ALL SELECT 'import-' || key || '.' FROM imports`,
        )
        .pluck()
        .all(),
    );
  }

  /** Journal, then SQLite; when SQLite refuses, the journal forgets the fact again. */
  #record(fact: Fact, durable: boolean): void {
    this.#guard(() => {
      const before = this.#journal.append(fact, durable);
      const removed: RemovedFiles = [];
      try {
        transact(this.#database, () => {
          applyFact(this.#database, fact, removed, this.spoolFolder);
          this.#saveJournalOffset(this.#journal.size);
        });
      } catch (error) {
        this.#journal.cut(before);
        throw error;
      }
      this.#removeFiles(removed);
    });
  }

  /**
   * Applies what the journal has and the database has not: after a crash between the two, after an older backup was put
   * back, or when the database is new. Returns how many facts were applied and how many could not be understood.
   */
  catchUp(): { applied: number; skipped: number } {
    return this.#guard(() => {
      const state = this.#database
        .prepare<[], { journal_offset: number; journal_tail: Buffer }>('SELECT * FROM store_state')
        .get();
      const offset = state?.journal_offset ?? 0;
      const tail = state?.journal_tail ?? Buffer.alloc(0);
      let [applied, skipped, end] = [0, 0, offset];
      if (this.#journal.size < offset || !tailBefore(this.#journal.descriptor, offset).equals(tail)) {
        const size = this.#journal.size;
        transact(this.#database, () => this.#saveJournalOffset(size));
        this.addEvent({
          experiment: null,
          stack: null,
          kind: 'journal',
          message: `${this.#journal.file} is not the journal that this store knew (${size} bytes, expected ${offset}). The store is complete, but a rebuild from the journal would not be.`,
        });
        return { applied, skipped };
      }
      const removed: RemovedFiles = [];
      for (const piece of completeLines(this.#journal.descriptor, offset, this.#journal.file)) {
        transact(this.#database, () => {
          for (const line of linesOf(piece)) {
            end = line.end;
            if (this.#applyLine(line.text, removed)) applied++;
            else if (line.text.trim() !== '') skipped++;
          }
          this.#saveJournalOffset(end);
        });
      }
      // A line without its end was torn by a crash; its fact was never promised to anybody.
      if (this.#journal.size > end) this.#journal.cut(end);
      // What was deleted and came back under its key, as a merge brings it, has its files still.
      const known = this.#filePrefixes();
      this.#removeFiles(removed.filter((prefix) => !known.has(prefix)));
      if (skipped > 0) {
        const message = `${skipped} lines of ${this.#journal.file} could not be applied and were skipped.`;
        this.addEvent({ experiment: null, stack: null, kind: 'journal', message });
      }
      return { applied, skipped };
    });
  }

  #applyLine(text: string, removed: RemovedFiles): boolean {
    let fact: Fact;
    try {
      fact = factSchema.parse(JSON.parse(text));
    } catch {
      return false;
    }
    this.#database.exec('SAVEPOINT fact');
    const before = removed.length;
    try {
      applyFact(this.#database, fact, removed, this.spoolFolder);
      this.#database.exec('RELEASE fact');
      return true;
    } catch (error) {
      if (!this.#database.inTransaction) throw error;
      this.#database.exec('ROLLBACK TO fact; RELEASE fact');
      removed.length = before;
      if (asStoreError(error, this.file) instanceof StoreError) {
        const known = asStoreError(error, this.file) as StoreError;
        if (['disk-full', 'damaged', 'read-only', 'busy'].includes(known.code)) throw error;
      }
      return false;
    }
  }

  /** Ingests every spool of the store's stacks; used when the database is younger than its spool. */
  ingestEverything(): void {
    const keys = this.#database.prepare<[], string>('SELECT key FROM stacks ORDER BY id').pluck().all();
    for (const key of keys) this.ingest(key);
  }

  #experimentKey(experimentId: number): string {
    const row = this.#database
      .prepare<[number], { key: string }>('SELECT key FROM experiments WHERE id = ?')
      .get(experimentId);
    if (row === undefined)
      throw new StoreError('unknown-experiment', `The store has no experiment number ${experimentId}.`);
    return row.key;
  }

  #stack(stackKey: string): StackProgress {
    const row = this.#database
      .prepare<[string], StackProgress>(
        `SELECT state, spool_offset, checkpoint_step, failures, iif(ending_offset >= attempt_offset, ending, NULL) AS ending
         FROM stacks WHERE key = ?`,
      )
      .get(stackKey);
    if (row === undefined) throw new StoreError('unknown-stack', `The store has no stack ${stackKey}.`);
    return row;
  }

  createExperiment(
    specification: Specification,
    cells: readonly CellConfiguration[],
    { key, createdAt }: CarriedIdentity = { key: newExperimentKey(), createdAt: Date.now() },
  ): ExperimentSummary {
    const memo = new WeakMap<object, string>();
    const commons: FactOf<'experiment'>['commons'] = [];
    const commonIndex = new Map<string, number>();
    const points = cells.map((cell): [number, number, number, number] => {
      const { batchSize, learningRate, seed, ...common } = cell;
      const text = canonicalJson(common, memo);
      let index = commonIndex.get(text);
      if (index === undefined) {
        index = commons.push({ ...common, marks: [...common.marks] }) - 1;
        commonIndex.set(text, index);
      }
      return [index, batchSize, learningRate, seed];
    });
    this.#record({ fact: 'experiment', time: createdAt, key, specification, commons, cells: points }, true);
    return this.experiment(key);
  }

  importSweep(
    origin: ImportOrigin,
    sweep: ImportedSweep,
    carried?: CarriedImport,
  ): { readonly experiments: ExperimentSummary[]; readonly isNew: boolean } {
    const identity = importIdentity(origin);
    const before = this.#guard(() =>
      this.#database
        .prepare<[string], string>('SELECT key FROM imports WHERE identity = ?')
        .pluck()
        .get(identity),
    );
    if (before !== undefined) return { experiments: this.experimentOrFamilies(before), isNew: false };
    const { key, createdAt, experiments } = carried ?? {
      key: newExperimentKey(),
      createdAt: Date.now(),
      experiments: sweep.families.map(newExperimentKey),
    };
    const fact = importFact(origin, sweep, identity, { key, createdAt, experiments });
    this.#guard(() => {
      const file = writeRows(this.spoolFolder, key, sweep);
      try {
        this.#record(fact, true);
      } catch (error) {
        rmSync(file, { force: true });
        throw error;
      }
    });
    return { experiments: this.experimentOrFamilies(key), isNew: true };
  }

  planStacks(experimentId: number, plans: readonly { plan: StackPlan; settings: StackSettings }[]): Stack[] {
    const experiment = this.#experimentKey(experimentId);
    const states = new Map(this.stacks(experimentId).map((stack) => [stack.key, stack.state]));
    const free = new Map<string, StoredCell>();
    const point = (batchSize: number, learningRate: number, seed: number) =>
      `${batchSize} ${learningRate} ${seed}`;
    const known = new Map<string, StoredCell>();
    for (const cell of this.trainedCells(experimentId)) {
      const { batchSize, learningRate, seed } = cell.configuration;
      const name = point(batchSize, learningRate, seed);
      known.set(name, cell);
      const state = cell.stack === null ? undefined : states.get(cell.stack);
      if (state === undefined || state === 'failed' || state === 'out-of-memory') free.set(name, cell);
    }
    const stacks = plans.map(({ plan, settings }, index) => {
      const columns: number[] = [];
      const { batchSize, learningRates, seeds, steps, marks } = plan;
      seeds.forEach((seed, s) => {
        learningRates.forEach((learningRate, r) => {
          const name = point(batchSize, learningRate, seed);
          const cell = known.get(name);
          const where = `stack ${index + 1}: batch size ${batchSize}, learning rate ${learningRate}, seed ${seed}`;
          if (cell === undefined) throw new StoreError('invalid', `${where} is no cell of the experiment`);
          const { steps: cellSteps, marks: cellMarks } = cell.configuration;
          if (
            cellSteps !== steps ||
            cellMarks.length !== marks.length ||
            cellMarks.some((mark, m) => mark !== marks[m])
          ) {
            throw new StoreError('invalid', `${where} has other steps or marks than its cell`);
          }
          if (free.delete(name)) columns.push(s * learningRates.length + r);
        });
      });
      if (columns.length === 0) {
        throw new StoreError(
          'invalid',
          `stack ${index + 1}: all of its cells are done or in another stack already`,
        );
      }
      return {
        key: newStackKey(),
        plan: { batchSize, learningRates: [...learningRates], seeds: [...seeds], steps, marks: [...marks] },
        settings: { threads: settings.threads, chunkSteps: settings.chunkSteps, mode: settings.mode },
        columns,
      };
    });
    if (stacks.length === 0) return [];
    this.#record({ fact: 'stacks', time: Date.now(), experiment, stacks }, true);
    const keys = new Set(stacks.map((stack) => stack.key));
    return this.stacks(experimentId).filter((stack) => keys.has(stack.key));
  }

  adoptStacks(experimentId: number, stacks: readonly AdoptedStack[]): void {
    if (stacks.length === 0) return;
    const experiment = this.#experimentKey(experimentId);
    const list = stacks.map(({ key, plan, settings, columns }) => ({
      key,
      plan: {
        ...plan,
        learningRates: [...plan.learningRates],
        seeds: [...plan.seeds],
        marks: [...plan.marks],
      },
      settings,
      columns: [...columns],
    }));
    this.#record({ fact: 'stacks', time: Date.now(), experiment, stacks: list }, true);
  }

  releaseColumns(experimentId: number, stackKey: string, columns: readonly number[]): void {
    const experiment = this.#experimentKey(experimentId);
    const stacks = [{ key: stackKey, columns: [...columns] }];
    this.#record({ fact: 'reset', time: Date.now(), experiment, stacks }, true);
  }

  stackStarted(stackKey: string, process: { pid: number; startTicks: number }): void {
    const { state, spool_offset: offset, checkpoint_step } = this.#stack(stackKey);
    if (state === 'finished')
      throw new StoreError('invalid', `stack ${stackKey} has finished; it cannot start again`);
    const { pid, startTicks } = process;
    this.#record({ fact: 'started', time: Date.now(), stack: stackKey, pid, startTicks, offset }, false);
    this.#startedAt.set(stackKey, checkpoint_step);
  }

  stackEnded(
    stackKey: string,
    state: Exclude<StackState, 'planned' | 'running' | 'finished'>,
    reason: string,
  ): void {
    const stack = this.#stack(stackKey);
    if (stack.state === 'finished') return;
    const failures = this.#failuresAfter(stackKey, stack, state);
    this.#record({ fact: 'ended', time: Date.now(), stack: stackKey, state, reason, failures }, false);
    this.#startedAt.delete(stackKey);
  }

  /** See Stack.failures. */
  #failuresAfter(stackKey: string, stack: StackProgress, state: StackState): number {
    if (state !== 'interrupted') return stack.failures + 1;
    const from = this.#startedAt.get(stackKey);
    if (from === undefined || stack.ending !== null) return stack.failures;
    return stack.checkpoint_step > from ? 0 : stack.failures + 1;
  }

  ingest(stackKey: string): IngestResult {
    return this.#guard(() => this.#ingester.ingest(stackKey, stackSpoolFile(this.spoolFolder, stackKey)));
  }

  resetCells(experimentId: number, states: readonly CellState[]): number {
    const experiment = this.#experimentKey(experimentId);
    const wrong = states.find((state) => !resettable.includes(state));
    if (wrong !== undefined) {
      throw new StoreError(
        'invalid',
        `${wrong} cells cannot be reset; only ${resettable.join(', ')} cells can`,
      );
    }
    const stacks = new Map<string, number[]>();
    let count = 0;
    for (const cell of this.trainedCells(experimentId)) {
      if (cell.stack === null || cell.stackColumn === null || !states.includes(cell.state)) continue;
      const columns = stacks.get(cell.stack) ?? [];
      stacks.set(cell.stack, [...columns, cell.stackColumn]);
      count++;
    }
    if (count === 0) return 0;
    const list = [...stacks].map(([key, columns]) => ({ key, columns }));
    this.#record({ fact: 'reset', time: Date.now(), experiment, stacks: list }, true);
    return count;
  }

  hold(experimentId: number, reason: string | null): void {
    const experiment = this.#experimentKey(experimentId);
    this.#record({ fact: 'hold', time: Date.now(), experiment, reason }, false);
  }

  archive(experimentId: number, archived: boolean): void {
    const experiment = this.#experimentKey(experimentId);
    this.#record({ fact: 'archive', time: Date.now(), experiment, archived }, false);
  }

  annotate(experimentId: number, { name, notes, tags }: Annotations): void {
    const experiment = this.#experimentKey(experimentId);
    const changes = { name, notes, tags: tags === undefined ? undefined : [...new Set(tags)] };
    this.#record({ fact: 'annotate', time: Date.now(), experiment, ...changes }, true);
  }

  deleteExperiment(experimentId: number): void {
    const experiment = this.#experimentKey(experimentId);
    this.#record({ fact: 'delete', time: Date.now(), experiment }, true);
  }

  addPrediction(
    experimentId: number,
    record: PredictionRecord,
    { key, createdAt }: CarriedIdentity = { key: newStackKey(), createdAt: Date.now() },
  ): StoredPrediction {
    const experiment = this.#experimentKey(experimentId);
    this.#record({ fact: 'prediction', time: createdAt, key, experiment, record }, true);
    return this.predictions(experimentId).find((prediction) => prediction.key === key)!;
  }

  keepFigure(experimentId: number, name: string, record: SavedFigureRecord | null): void {
    const experiment = this.#experimentKey(experimentId);
    this.#record({ fact: 'figure', time: Date.now(), experiment, name, record }, true);
  }

  addEvent(event: Omit<LabEvent, 'time'>): void {
    const experiment = event.experiment === null ? null : this.#experimentKey(event.experiment);
    const { stack, kind, message } = event;
    this.#record({ fact: 'event', time: Date.now(), experiment, stack, kind, message }, false);
  }

  async backup(file: string): Promise<void> {
    try {
      await this.#database.backup(file);
    } catch (error) {
      throw asStoreError(error, file);
    }
  }

  override close(): void {
    if (!this.#database.open) return;
    try {
      this.#database.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // On a full disk everything stays in the log, where the next opening finds it.
    } finally {
      super.close();
      this.#journal.close();
      this.#lock.release();
    }
  }
}
