/**
 * Brings what one store trained into another. A stack travels as its spool file, which the target ingests as if its own
 * trainer had written it, so a merge that is killed at any instant is finished by the next one, and merging twice
 * changes nothing. A cell that both stores have trained counts once where the results are equal bit by bit; otherwise
 * both results are kept, and the target's stays the cell's.
 */
import { isDeepStrictEqual } from 'node:util';
import { existsSync } from 'node:fs';
import { cellConfigurations } from '#shared/experiment/cells.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import { columnOf } from '#shared/experiment/stack.ts';
import { sha256 } from '../identity.ts';
import {
  asStoreError,
  openStoreReadOnly,
  stackCheckpointFile,
  stackSpoolFile,
  StoreError,
} from '../store/index.ts';
import { resolveStore } from '../store/paths.ts';
import type { Cell, ExperimentSummary, ReadableStore, Stack, WritableStore } from '../store/types.ts';
import { specificationOf } from '../trained.ts';
import { mergeAnnotations } from './annotations.ts';
import { resultFingerprints } from './fingerprints.ts';
import { mergeImports } from './imported.ts';
import type { Conflict, MergedExperiment } from './merged.ts';
import { carryFile, carrySpool, compareSpools, saysFinished } from './spools.ts';

export interface MergeOptions {
  /** Name or key of the one experiment to merge (of an import: all its families); everything when absent. */
  readonly experiment?: string | undefined;
  /** Looks through the whole source for damage first; not needed for one that was looked through a moment ago. */
  readonly check?: boolean;
}

/**
 * Throws StoreError when the source cannot be read ('missing', 'damaged', 'not-a-store', 'from-the-future',
 * 'needs-migration', …) or is the target itself; nothing was changed then.
 */
export function mergeStore(
  target: WritableStore,
  sourceFile: string,
  { experiment: wanted, check = true }: MergeOptions = {},
): MergedExperiment[] {
  if (resolveStore(sourceFile) === target.file)
    throw new StoreError('invalid', `${sourceFile} is the store to merge into.`);
  const source = openStoreReadOnly(sourceFile, { check });
  try {
    const experiments = wanted === undefined ? source.experiments() : source.experimentOrFamilies(wanted);
    const trained = experiments
      .filter(({ imported }) => imported === null)
      .map((experiment) => new ExperimentMerge(target, source, experiment).merge());
    return [...trained, ...mergeImports(target, source, experiments)];
  } finally {
    source.close();
  }
}

/** A stack whose cells may be trained by another one instead: nothing of it is finished or under way. */
const givesWay = ({ state, stepsDone }: Stack) =>
  state === 'failed' ||
  state === 'out-of-memory' ||
  state === 'interrupted' ||
  (state === 'planned' && stepsDone === 0);

interface TheirStack {
  readonly stack: Stack;
  /** The cells that belong to it; those that it covers where it only holds a second result. */
  readonly members: readonly Cell[];
  readonly isBeside: boolean;
}

function covers({ batchSize, learningRates, seeds }: Stack, { configuration }: Cell): boolean {
  return (
    configuration.batchSize === batchSize &&
    learningRates.includes(configuration.learningRate) &&
    seeds.includes(configuration.seed)
  );
}

class ExperimentMerge {
  readonly #target: WritableStore;
  readonly #source: ReadableStore;
  readonly #theirs: ExperimentSummary;
  readonly #conflicts: Conflict[] = [];
  readonly #problems: string[] = [];
  #differences: readonly string[] = [];
  #predictions = 0;
  #ours!: ExperimentSummary;
  #added = 0;
  #extended = 0;
  #identical = 0;

  constructor(target: WritableStore, source: ReadableStore, experiment: ExperimentSummary) {
    this.#target = target;
    this.#source = source;
    this.#theirs = experiment;
  }

  merge(): MergedExperiment {
    const { key, name } = this.#theirs;
    let isNew = false;
    try {
      isNew = this.#findOrAdopt();
      for (const { stack, members, isBeside } of this.#theirStacks()) {
        try {
          this.#mergeStack(stack, members, isBeside);
        } catch (error) {
          // Files are copied here too, and what the system says of them is no StoreError yet.
          const known = asStoreError(error, this.#target.file);
          if (!(known instanceof StoreError) || known.code === 'disk-full') throw known;
          this.#problems.push(`stack ${stack.key}: ${known.message}`);
        }
      }
      this.#differences = mergeAnnotations(this.#target, this.#ours, this.#theirs);
      this.#mergePredictions();
      this.#note();
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'invalid') throw error;
      this.#problems.push(error.message);
    }
    return {
      key,
      name,
      isNew,
      isImported: false,
      stacksAdded: this.#added,
      stacksExtended: this.#extended,
      identicalCells: this.#identical,
      predictionsAdded: this.#predictions,
      conflicts: this.#conflicts,
      differences: this.#differences,
      problems: this.#problems,
    };
  }

  /** Returns whether the target did not have the experiment. */
  #findOrAdopt(): boolean {
    const { key, name, createdAt, id } = this.#theirs;
    const specification = specificationOf(this.#theirs);
    const [first] = this.#source.cells(id);
    const checksum = first === undefined ? '' : first.configuration.dataChecksum;
    const ours = this.#target.experiments().find((experiment) => experiment.key === key);
    if (ours === undefined) {
      // The source may hold a shard of the grid; the experiment is the whole of it.
      const cells = cellConfigurations(specification, expandGrid(specification), checksum);
      this.#ours = this.#target.createExperiment(specification, cells, { key, createdAt });
      return true;
    }
    const same = isDeepStrictEqual({ ...ours.specification, notes: '' }, { ...specification, notes: '' });
    if (!same)
      throw new StoreError(
        'invalid',
        `"${name}" (${key}) in ${this.#source.file} has another specification than here: it is a shard of another experiment, or was edited after it was handed out. Nothing of it was merged.`,
      );
    if (this.#target.cells(ours.id)[0]?.configuration.dataChecksum !== checksum)
      throw new StoreError(
        'invalid',
        `"${name}" (${key}) in ${this.#source.file} was trained on other data than here (checksum ${checksum.slice(0, 12)}). Nothing of it was merged.`,
      );
    this.#ours = ours;
    return false;
  }

  /**
   * First the stacks that their cells belong to, then those that only hold a second result: these are compared, and
   * their cells never taken from them.
   */
  #theirStacks(): TheirStack[] {
    const { id } = this.#theirs;
    const cells = this.#source.cells(id);
    const stacks = this.#source.stacks(id).map((stack): TheirStack => {
      const own = cells.filter((cell) => cell.stack === stack.key);
      const isBeside = own.length === 0 && stack.state === 'finished';
      return { stack, members: isBeside ? cells.filter((cell) => covers(stack, cell)) : own, isBeside };
    });
    return stacks.sort((a, b) => Number(a.isBeside) - Number(b.isBeside));
  }

  #mergePredictions(): void {
    const known = new Set(this.#target.predictions(this.#ours.id).map(({ key }) => key));
    for (const { key, createdAt, ...record } of this.#source.predictions(this.#theirs.id)) {
      if (known.has(key)) continue;
      this.#target.addPrediction(this.#ours.id, record, { key, createdAt });
      this.#predictions++;
    }
  }

  #mergeStack(stack: Stack, members: readonly Cell[], isBeside: boolean): void {
    const spool = stackSpoolFile(this.#source.spoolFolder, stack.key);
    if (!existsSync(spool)) {
      if (stack.stepsDone > 0)
        this.#problems.push(`stack ${stack.key}: its spool ${spool} is gone, so it cannot be carried over`);
      return;
    }
    const ours = this.#stacks().get(stack.key);
    const place = stackSpoolFile(this.#target.spoolFolder, stack.key);
    if (ours === undefined)
      return this.#adopt(stack, members, spool, this.#freeKey(stack.key, place), isBeside);
    switch (compareSpools(place, spool)) {
      case 'same':
      case 'ahead':
        // A merge that was killed may have left a spool that the store has not taken in.
        if (ours.state !== 'finished') this.#ingest(stack.key);
        this.#settle(stack);
        if (ours.state === 'finished') this.#compareKept(ours, members);
        return;
      case 'behind':
        carrySpool(spool, place);
        this.#ingest(stack.key);
        this.#settle(stack);
        if (ours.stepsDone > 0) this.#extended++;
        else this.#added++;
        return;
      case 'different': {
        // Trained from one plan in two places. The second gets a key that is the same at every merge.
        const rival = sha256(`${stack.key} ${sha256Of(this.#source, stack)}`).slice(0, 16);
        return this.#adopt(stack, members, spool, rival, isBeside);
      }
    }
  }

  /**
   * The stack's own key, or one of this experiment where another experiment has the stack here: two that share cells
   * with a third, which was deleted, can share its stack and none of their cells.
   */
  #freeKey(key: string, place: string): string {
    const isTaken =
      existsSync(place) &&
      this.#target
        .experiments()
        .some(
          ({ id, imported }) =>
            imported === null && this.#target.stacks(id).some((other) => other.key === key),
        );
    return isTaken ? sha256(`${key} ${this.#ours.key}`).slice(0, 16) : key;
  }

  /** A stack that came here earlier: its own cells are the same ones, others keep the result that they had. */
  #compareKept(kept: Stack, members: readonly Cell[]): void {
    const [stacks, cells] = [this.#stacks(), this.#cells()];
    for (const member of members) {
      const cell = cells.get(member.key);
      const rival = cell === undefined || cell.stack === null ? undefined : stacks.get(cell.stack);
      if (cell === undefined || rival === undefined) continue;
      const column = columnOf(kept, member.configuration);
      if (
        rival.key === kept.key ||
        this.#fingerprint(kept, column, kept) === this.#fingerprint(rival, column, kept)
      )
        this.#identical++;
      else this.#addConflicts([{ cell, rival }], kept.key);
    }
  }

  #adopt(stack: Stack, members: readonly Cell[], spool: string, key: string, isBeside: boolean): void {
    const [stacks, cells] = [this.#stacks(), this.#cells()];
    const known = stacks.get(key);
    // As above: an earlier merge may have been killed before it took the spool in.
    if (known !== undefined && known.state !== 'finished') this.#ingest(key);
    const finished = saysFinished(spool);
    const take: Cell[] = [];
    const compare: { readonly column: number; readonly cell: Cell; readonly rival: Stack }[] = [];
    for (const member of members) {
      const cell = cells.get(member.key);
      if (cell === undefined)
        throw new StoreError(
          'invalid',
          `its cell ${member.key.slice(0, 12)} is no cell of the experiment here`,
        );
      const holder = cell.stack === null ? undefined : stacks.get(cell.stack);
      if (!isBeside && (holder === undefined || (finished && givesWay(holder)))) take.push(cell);
      else if (finished && holder?.state === 'finished')
        compare.push({ column: columnOf(stack, member.configuration), cell, rival: holder });
    }
    if (take.length === 0 && compare.length === 0) return;
    if (known !== undefined || (take.length === 0 && stack.state === 'finished')) {
      // Nothing new to hold on to unless a result differs.
      const theirs = resultFingerprints(this.#source, stack);
      const differing = compare.filter(
        ({ column, rival }) => theirs[column] !== this.#fingerprint(rival, column, stack),
      );
      this.#identical += compare.length - differing.length;
      if (known !== undefined) this.#addConflicts(differing, key);
      if (known !== undefined || differing.length === 0) return;
      this.#identical -= compare.length - differing.length;
    }
    carrySpool(spool, stackSpoolFile(this.#target.spoolFolder, key), key === stack.key ? undefined : key);
    for (const cell of take)
      if (cell.stack !== null) {
        const holder = stacks.get(cell.stack);
        if (holder !== undefined)
          this.#target.releaseColumns(this.#ours.id, holder.key, [columnOf(holder, cell.configuration)]);
      }
    const { batchSize, learningRates, seeds, steps, marks, threads, chunkSteps, mode } = stack;
    this.#target.adoptStacks(this.#ours.id, [
      {
        key,
        plan: { batchSize, learningRates, seeds, steps, marks },
        settings: { threads, chunkSteps, mode },
        columns: take.map((cell) => columnOf(stack, cell.configuration)),
      },
    ]);
    for (const cell of take) cells.set(cell.key, { ...cell, stack: key });
    this.#ingest(key);
    this.#settle(stack, key);
    const adopted = this.#stacks().get(key);
    if (adopted === undefined) throw new StoreError('unknown-stack', `${key} did not arrive`);
    const theirs = compare.length === 0 ? [] : resultFingerprints(this.#target, adopted);
    const differing = compare.filter(
      ({ column, rival }) => theirs[column] !== this.#fingerprint(rival, column, stack),
    );
    this.#identical += compare.length - differing.length;
    if (take.length === 0 && differing.length === 0) {
      this.#target.releaseColumns(this.#ours.id, key, []);
      this.#ourStacks = null;
      return;
    }
    this.#added++;
    this.#addConflicts(differing, key);
  }

  #ingest(key: string): void {
    this.#target.ingest(key);
    this.#ourStacks = null;
  }

  #ourStacks: ReadonlyMap<string, Stack> | null = null;

  /** By key, as they are now. */
  #stacks(): ReadonlyMap<string, Stack> {
    this.#ourStacks ??= new Map(this.#target.stacks(this.#ours.id).map((stack) => [stack.key, stack]));
    return this.#ourStacks;
  }

  #ourCells: Map<string, Cell> | null = null;

  /** By key; only the stack that they belong to is kept up to date. */
  #cells(): Map<string, Cell> {
    this.#ourCells ??= new Map(this.#target.cells(this.#ours.id).map((cell) => [cell.key, cell]));
    return this.#ourCells;
  }

  readonly #fingerprints = new Map<string, string[]>();

  /** Of the cell that is in a column of `like`, in a stack of the target. */
  #fingerprint(rival: Stack, column: number, like: Stack): string | undefined {
    let all = this.#fingerprints.get(rival.key);
    if (all === undefined) {
      all = resultFingerprints(this.#target, rival);
      this.#fingerprints.set(rival.key, all);
    }
    const rate = rival.learningRates.indexOf(like.learningRates[column % like.learningRates.length]);
    const seed = rival.seeds.indexOf(like.seeds[Math.floor(column / like.learningRates.length)]);
    return all[seed * rival.learningRates.length + rate];
  }

  #addConflicts(differing: readonly { readonly cell: Cell; readonly rival: Stack }[], beside: string): void {
    for (const { cell, rival } of differing) {
      const { batchSize, learningRate, seed } = cell.configuration;
      this.#conflicts.push({ batchSize, learningRate, seed, kept: rival.key, beside });
    }
  }

  /** What the spool cannot say: why a stack ended before its end. Its checkpoint comes along, so that it can go on here. */
  #settle(stack: Stack, key = stack.key): void {
    const ours = this.#stacks().get(key);
    if (ours === undefined || ours.state === 'finished' || key !== stack.key) return;
    carryFile(
      stackCheckpointFile(this.#source.spoolFolder, stack.key),
      stackCheckpointFile(this.#target.spoolFolder, stack.key),
    );
    const { state, reason } = stack;
    const early = state === 'interrupted' || state === 'failed' || state === 'out-of-memory';
    if (!early || (ours.state === state && ours.reason === reason)) return;
    this.#target.stackEnded(stack.key, state, reason);
    this.#ourStacks = null;
  }

  #note(): void {
    if (this.#added + this.#extended === 0) return;
    const conflicts =
      this.#conflicts.length === 0
        ? ''
        : ` ${this.#conflicts.length} cells have a second, different result; the first stays the cell's, the other is kept beside it.`;
    this.#target.addEvent({
      experiment: this.#ours.id,
      stack: null,
      kind: 'merge',
      message: `${this.#added} stacks came from ${this.#source.file}, ${this.#extended} went on.${conflicts}`,
    });
  }
}

function sha256Of(store: ReadableStore, stack: Stack): string {
  return sha256(resultFingerprints(store, stack).join(' '));
}
