/**
 * Takes a stack's spool into the database. The offset moves in the transaction that writes the rows, so a line counts
 * exactly once whenever a process dies; the result does not depend on how the file was cut into calls.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import type { Database, Statement } from 'better-sqlite3';
import { metrics, type Metric, type StackPlan } from '#shared/experiment/stack.ts';
import { completeLines, linesOf, tailBefore, type Piece } from './complete-lines.ts';
import { CurveBlocks } from './curve-blocks.ts';
import { parseSpoolLine, secondLineIn, type CurveLine, type ParsedLine } from './spool-line.ts';
import { StoreError } from './store-error.ts';
import { transact } from './transact.ts';
import type { IngestResult } from './types.ts';

type Ending = NonNullable<IngestResult['ending']>;

/** The columns of a stack that its spool decides. */
interface Progress {
  id: number;
  key: string;
  experiment_id: number;
  plan: string;
  cells: number;
  state: string;
  reason: string;
  steps_done: number;
  checkpoint_step: number;
  pid: number | null;
  start_ticks: number | null;
  engine: string | null;
  host: string;
  data_checksum: string;
  train_milliseconds: number;
  evaluate_milliseconds: number;
  compile_milliseconds: number;
  peak_resident_bytes: number;
  spool_offset: number;
  spool_tail: Buffer;
  spool_time: number;
  bad_lines: number;
  ending: Ending | null;
  ending_message: string;
  ending_offset: number;
  attempt_offset: number;
}

/** Bad lines of a stack that get an event of their own; the others are only counted. */
const badLineEvents = 10;

const columns = [
  'state',
  'reason',
  'steps_done',
  'checkpoint_step',
  'pid',
  'start_ticks',
  'engine',
  'host',
  'data_checksum',
  'train_milliseconds',
  'evaluate_milliseconds',
  'compile_milliseconds',
  'peak_resident_bytes',
  'spool_offset',
  'spool_tail',
  'spool_time',
  'bad_lines',
  'ending',
  'ending_message',
  'ending_offset',
] as const;

/** Index of the first of the ascending marks that lies behind a step: how many marks are at or before it. */
function marksUpTo(marks: readonly number[], step: number): number {
  const index = marks.findIndex((mark) => mark > step);
  return index < 0 ? marks.length : index;
}

export class SpoolIngester {
  readonly #database: Database;
  readonly #blocks: CurveBlocks;
  readonly #select: Statement<[string], Progress>;
  readonly #save: Statement<[Progress]>;
  readonly #event: Statement<[number, number, string, string, string]>;
  readonly #diverged: Statement<[number, string | null, number, number]>;
  readonly #undiverged: Statement<[number, number]>;
  readonly #finishCells: Statement<[number]>;
  readonly #failCells: Statement<[string, number]>;
  readonly #coverage: Statement<[number, string], { first_point: number; points: number }>;

  constructor(database: Database) {
    this.#database = database;
    this.#blocks = new CurveBlocks(database);
    this.#select = database.prepare(
      `SELECT id, key, experiment_id, plan, cells, attempt_offset, ${columns.join(', ')} FROM stacks WHERE key = ?`,
    );
    this.#save = database.prepare(
      `UPDATE stacks SET ${columns.map((column) => `${column} = @${column}`).join(', ')} WHERE id = @id`,
    );
    this.#event = database.prepare(
      'INSERT INTO events (time, experiment_id, stack_key, kind, message) VALUES (?, ?, ?, ?, ?)',
    );
    this.#diverged = database.prepare(
      `UPDATE cells SET diverged_at = min(coalesce(diverged_at, 9007199254740991), ?), reason = coalesce(?, reason)
         WHERE stack_id = ? AND stack_column = ?`,
    );
    this.#undiverged = database.prepare(
      'UPDATE cells SET diverged_at = NULL WHERE stack_id = ? AND diverged_at > ?',
    );
    this.#finishCells = database.prepare(
      `UPDATE cells SET state = iif(diverged_at IS NULL, 'done', 'diverged'),
         reason = CASE WHEN diverged_at IS NULL THEN '' WHEN reason LIKE 'loss above %' THEN reason
           ELSE 'loss was not finite at step ' || diverged_at END WHERE stack_id = ?`,
    );
    this.#failCells = database.prepare(`UPDATE cells SET state = 'failed', reason = ? WHERE stack_id = ?`);
    this.#coverage = database.prepare(
      'SELECT first_point, points FROM curve_blocks WHERE stack_id = ? AND metric = ? ORDER BY first_point',
    );
  }

  ingest(stackKey: string, spoolFile: string): IngestResult {
    const progress = this.#select.get(stackKey);
    if (progress === undefined) throw new StoreError('unknown-stack', `The store has no stack ${stackKey}.`);
    const total = { lines: 0, values: 0, badLines: 0 };
    let descriptor: number;
    try {
      descriptor = openSync(spoolFile, 'r');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      if (progress.spool_offset === 0) return this.#result(progress, total);
      throw new StoreError(
        'spool-replaced',
        `${spoolFile} is gone, although ${progress.spool_offset} bytes of it are in the store. What was ingested is safe; rerun the stack for the rest.`,
        { cause: error },
      );
    }
    try {
      this.#checkSameFile(descriptor, progress, spoolFile);
      const plan = JSON.parse(progress.plan) as StackPlan;
      for (const piece of completeLines(descriptor, progress.spool_offset, spoolFile)) {
        const before = { ...progress };
        const counted = { ...total };
        try {
          transact(this.#database, () => {
            this.#takePiece(piece, progress, plan, total);
            progress.spool_tail = tailBefore(descriptor, progress.spool_offset);
            this.#save.run(progress);
          });
        } catch (error) {
          Object.assign(progress, before);
          Object.assign(total, counted);
          throw error;
        }
      }
    } finally {
      closeSync(descriptor);
    }
    return this.#result(progress, total);
  }

  #result(progress: Progress, total: { lines: number; values: number; badLines: number }): IngestResult {
    const current = progress.ending !== null && progress.ending_offset >= progress.attempt_offset;
    return {
      bytes: progress.spool_offset,
      ...total,
      ending: current ? progress.ending : null,
      message: current ? progress.ending_message : '',
    };
  }

  #checkSameFile(descriptor: number, progress: Progress, spoolFile: string): void {
    const size = fstatSync(descriptor).size;
    if (size < progress.spool_offset) {
      throw new StoreError(
        'spool-replaced',
        `${spoolFile} has ${size} bytes, although ${progress.spool_offset} bytes of it are in the store: it was cut or replaced. What was ingested is safe; rerun the stack for the rest.`,
      );
    }
    if (!tailBefore(descriptor, progress.spool_offset).equals(progress.spool_tail)) {
      throw new StoreError(
        'spool-replaced',
        `${spoolFile} is not the file that was ingested before (the bytes before ${progress.spool_offset} differ). What was ingested is safe; rerun the stack for the rest.`,
      );
    }
  }

  #takePiece(
    piece: Piece,
    progress: Progress,
    plan: StackPlan,
    total: { lines: number; values: number; badLines: number },
  ): void {
    const ends = new Map<Metric, number>();
    for (const { text, offset, end } of linesOf(piece)) {
      progress.spool_offset = end;
      if (text.trim() === '') continue;
      total.lines++;
      try {
        total.values += this.#take(parseSpoolLine(text), progress, plan, ends, offset);
      } catch (error) {
        // Faults of the database or the disk end the transaction; only faults of the line itself are counted.
        if (isDatabaseFault(error)) throw error;
        this.#noteBadLine(error, progress, offset);
        total.badLines++;
        total.values += this.#takeSecond(text, progress, plan, ends, offset);
      }
    }
  }

  #takeSecond(
    text: string,
    progress: Progress,
    plan: StackPlan,
    ends: Map<Metric, number>,
    offset: number,
  ): number {
    const second = secondLineIn(text);
    if (second === null) return 0;
    try {
      return this.#take(parseSpoolLine(second), progress, plan, ends, offset);
    } catch (error) {
      if (isDatabaseFault(error)) throw error;
      return 0;
    }
  }

  #noteBadLine(error: unknown, progress: Progress, offset: number): void {
    progress.bad_lines++;
    if (progress.bad_lines > badLineEvents) return;
    const reason = error instanceof Error ? error.message : String(error);
    const more = progress.bad_lines === badLineEvents ? ' Further bad lines are only counted.' : '';
    this.#event.run(
      progress.spool_time,
      progress.experiment_id,
      progress.key,
      'bad-line',
      `Spool line at byte ${offset} was skipped: ${reason.slice(0, 300)}.${more}`,
    );
  }

  /** Applies one line; returns the values added. Throws Error, before anything is changed, when the line is wrong here. */
  #take(
    line: ParsedLine,
    progress: Progress,
    plan: StackPlan,
    ends: Map<Metric, number>,
    offset: number,
  ): number {
    switch (line.event) {
      case 'curve':
        return this.#takeCurve(line, progress, plan, ends);
      case 'start':
        if (line.stack !== progress.key) throw new Error(`stack: ${line.stack} is another stack`);
        if (line.cells !== progress.cells)
          throw new Error(`cells: ${line.cells}, planned are ${progress.cells}`);
        this.#rewind(progress, plan, line.step);
        ends.clear();
        progress.engine = JSON.stringify(line.engine);
        progress.host = line.host;
        progress.data_checksum = line.dataChecksum;
        progress.spool_time = Math.round(line.time);
        progress.ending = null;
        progress.ending_message = '';
        return 0;
      case 'diverged':
        if (line.cell >= progress.cells) throw new Error(`cell: ${line.cell} of ${progress.cells}`);
        this.#diverged.run(line.step, line.reason ?? null, progress.id, line.cell);
        return 0;
      case 'checkpoint':
        progress.checkpoint_step = line.step;
        progress.spool_time = Math.round(line.time);
        return 0;
      case 'finished':
        progress.spool_time = Math.round(line.time);
        progress.steps_done = line.step;
        progress.train_milliseconds = line.trainMilliseconds;
        progress.evaluate_milliseconds = line.evaluateMilliseconds;
        progress.compile_milliseconds = line.compileMilliseconds;
        progress.peak_resident_bytes = Math.max(progress.peak_resident_bytes, line.peakResidentBytes);
        this.#finish(progress, plan, line.step);
        progress.ending_offset = offset;
        return 0;
      case 'stopped':
        progress.spool_time = Math.round(line.time);
        progress.ending = line.reason;
        progress.ending_message = line.message;
        progress.ending_offset = offset;
        return 0;
    }
  }

  #takeCurve(line: CurveLine, progress: Progress, plan: StackPlan, ends: Map<Metric, number>): number {
    if (line.cells !== progress.cells) throw new Error(`cells: ${line.cells}, planned are ${progress.cells}`);
    const limit = line.metric === 'trainingLoss' ? plan.steps : plan.marks.length;
    const end = line.first + line.points;
    if (end > limit) throw new Error(`first: points ${line.first} to ${end - 1} of ${limit}`);
    const known = ends.get(line.metric) ?? this.#blocks.end(progress.id, line.metric);
    if (line.first < known) this.#blocks.erase(progress.id, line.metric, line.first, end);
    this.#blocks.add(progress.id, line.metric, line.first, line.points, line.cells, line.data);
    ends.set(line.metric, Math.max(known, end));
    const step = line.metric === 'trainingLoss' ? end : (plan.marks[end - 1] ?? 0);
    progress.steps_done = Math.max(progress.steps_done, step);
    return line.points * line.cells;
  }

  /** The trainer (re)starts behind `step`: whatever is later will be written again. */
  #rewind(progress: Progress, plan: StackPlan, step: number): void {
    for (const metric of metrics) {
      const keep = metric === 'trainingLoss' ? step : marksUpTo(plan.marks, step);
      this.#blocks.erase(progress.id, metric, keep, Number.MAX_SAFE_INTEGER);
    }
    this.#undiverged.run(progress.id, step);
    progress.steps_done = step;
    progress.checkpoint_step = step;
  }

  #finish(progress: Progress, plan: StackPlan, step: number): void {
    progress.pid = null;
    progress.start_ticks = null;
    const hole = this.#hole(progress, plan, step);
    if (hole === null) {
      progress.state = 'finished';
      progress.reason = '';
      progress.ending = 'finished';
      progress.ending_message = '';
      this.#finishCells.run(progress.id);
    } else {
      progress.state = 'failed';
      progress.reason = hole;
      progress.ending = 'error';
      progress.ending_message = hole;
      this.#failCells.run(hole, progress.id);
    }
  }

  /**
   * A finished stack must not pass as complete when damaged spool lines took points with them. The reason in words, or
   * null.
   */
  #hole(progress: Progress, plan: StackPlan, step: number): string | null {
    for (const metric of metrics) {
      const blocks = this.#coverage.all(progress.id, metric);
      const expected = metric === 'trainingLoss' ? step : marksUpTo(plan.marks, step);
      let next = 0;
      for (const block of blocks) {
        if (block.first_point > next) break;
        next = block.first_point + block.points;
      }
      const beyond = blocks.some((block) => block.first_point > next);
      const wanted = blocks.length > 0 || metric === 'evaluationLoss';
      if (beyond || (progress.bad_lines > 0 && wanted && next < expected)) {
        return `the spool of this stack was damaged: points of ${metric} from ${next} on are missing; rerun it`;
      }
    }
    return null;
  }
}

function isDatabaseFault(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_');
}
