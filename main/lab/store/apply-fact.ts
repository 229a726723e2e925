/** Applies one fact of the journal to the tables. The caller holds the transaction. */
import type { Database } from 'better-sqlite3';
import type { CellConfiguration } from '#shared/experiment/stack.ts';
import { canonicalJson, cellKey, sha256 } from '../identity.ts';
import type { Fact, FactOf } from './facts.ts';
import { addImport, removeEmptyImports } from './imports.ts';
import { StoreError } from './store-error.ts';

/** Beginnings of the names of files that a fact made useless: they go when the transaction is through. */
export type RemovedFiles = string[];

function id(database: Database, table: 'experiments' | 'stacks', key: string): number {
  const row = database.prepare<[string], { id: number }>(`SELECT id FROM ${table} WHERE key = ?`).get(key);
  if (row !== undefined) return row.id;
  const code = table === 'stacks' ? 'unknown-stack' : 'unknown-experiment';
  throw new StoreError(code, `The store has no ${table.slice(0, -1)} ${key}.`);
}

function addExperiment(database: Database, fact: FactOf<'experiment'>): void {
  const experiment = Number(
    database
      .prepare('INSERT INTO experiments (key, name, specification, created_at) VALUES (?, ?, ?, ?)')
      .run(fact.key, fact.specification.name, JSON.stringify(fact.specification), fact.time).lastInsertRowid,
  );
  const addSettings = database.prepare<[string, string], { id: number }>(
    // The update changes nothing, but makes RETURNING give the row that was there.
    `INSERT INTO settings (hash, configuration) VALUES (?, ?)
     ON CONFLICT (hash) DO UPDATE SET hash = excluded.hash RETURNING id`,
  );
  const settings = fact.commons.map((common) => {
    const text = canonicalJson(common);
    return addSettings.get(sha256(text), text)!.id;
  });
  const find = database.prepare<[string], { id: number }>('SELECT id FROM cells WHERE key = ?');
  const addCell = database.prepare(
    'INSERT INTO cells (key, settings_id, batch_size, learning_rate, seed) VALUES (?, ?, ?, ?, ?)',
  );
  const link = database.prepare(
    'INSERT INTO experiment_cells (experiment_id, position, cell_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const memo = new WeakMap<object, string>();
  fact.cells.forEach(([common, batchSize, learningRate, seed], position) => {
    const shared = fact.commons[common];
    const settingsId = settings[common];
    if (shared === undefined || settingsId === undefined)
      throw new StoreError('invalid', `commons: no item ${common}`);
    // The journal keeps configurations as they were; the key needs their text only.
    const configuration = { ...shared, batchSize, learningRate, seed } as unknown as CellConfiguration;
    const key = cellKey(configuration, memo);
    const cell =
      find.get(key)?.id ??
      Number(addCell.run(key, settingsId, batchSize, learningRate, seed).lastInsertRowid);
    link.run(experiment, position, cell);
  });
}

function addStacks(database: Database, fact: FactOf<'stacks'>): void {
  const experiment = id(database, 'experiments', fact.experiment);
  let position =
    database
      .prepare<[number], { n: number }>(
        'SELECT coalesce(max(position) + 1, 0) AS n FROM stacks WHERE experiment_id = ?',
      )
      .get(experiment)?.n ?? 0;
  const add = database.prepare(
    `INSERT INTO stacks (key, experiment_id, plan, cells, state, position, threads, chunk_steps, mode, spool_time)
     VALUES (?, ?, ?, ?, 'planned', ?, ?, ?, ?, ?)`,
  );
  const attach = database.prepare(
    `UPDATE cells SET stack_id = @stack, stack_column = @column, state = 'planned', reason = '', diverged_at = NULL
     WHERE batch_size = @batchSize AND learning_rate = @learningRate AND seed = @seed
       AND EXISTS (SELECT 1 FROM experiment_cells WHERE cell_id = cells.id AND experiment_id = @experiment)`,
  );
  for (const { key, plan, settings, columns } of fact.stacks) {
    const width = plan.learningRates.length;
    const stack = Number(
      add.run(
        key,
        experiment,
        JSON.stringify(plan),
        width * plan.seeds.length,
        position++,
        settings.threads,
        settings.chunkSteps,
        settings.mode,
        fact.time,
      ).lastInsertRowid,
    );
    for (const column of columns) {
      const { changes } = attach.run({
        stack,
        column,
        experiment,
        batchSize: plan.batchSize,
        learningRate: plan.learningRates[column % width],
        seed: plan.seeds[Math.floor(column / width)],
      });
      if (changes !== 1)
        throw new StoreError('invalid', `stack ${key}: its column ${column} is no cell of the experiment`);
    }
  }
}

function start(database: Database, fact: FactOf<'started'>): void {
  const stack = id(database, 'stacks', fact.stack);
  database
    .prepare(
      `UPDATE stacks SET state = 'running', reason = '', pid = ?, start_ticks = ?, attempt_offset = ? WHERE id = ?`,
    )
    .run(fact.pid, fact.startTicks, fact.offset, stack);
  database.prepare(`UPDATE cells SET state = 'running', reason = '' WHERE stack_id = ?`).run(stack);
}

function end(database: Database, fact: FactOf<'ended'>): void {
  const stack = id(database, 'stacks', fact.stack);
  database
    .prepare(
      `UPDATE stacks SET state = ?, reason = ?, pid = NULL, start_ticks = NULL, failures = ? WHERE id = ?`,
    )
    .run(fact.state, fact.reason, fact.failures, stack);
  database
    .prepare('UPDATE cells SET state = ?, reason = ? WHERE stack_id = ?')
    .run(fact.state, fact.reason, stack);
}

/** Removes the stacks that no cell belongs to any more. */
function removeStack(database: Database, stack: number, key: string, removed: RemovedFiles): void {
  database.prepare('DELETE FROM stacks WHERE id = ?').run(stack);
  removed.push(`stack-${key}.`);
}

function reset(database: Database, fact: FactOf<'reset'>, removed: RemovedFiles): void {
  const detach = database.prepare(
    `UPDATE cells SET state = 'planned', reason = '', diverged_at = NULL, stack_id = NULL, stack_column = NULL
     WHERE stack_id = ? AND stack_column = ?`,
  );
  const used = database.prepare<[number], { n: number }>(
    'SELECT count(*) AS n FROM cells WHERE stack_id = ?',
  );
  for (const { key, columns } of fact.stacks) {
    const stack = id(database, 'stacks', key);
    for (const column of columns) detach.run(stack, column);
    if (used.get(stack)?.n === 0) removeStack(database, stack, key, removed);
  }
}

function remove(database: Database, fact: FactOf<'delete'>, removed: RemovedFiles): void {
  const experiment = id(database, 'experiments', fact.experiment);
  database.prepare('DELETE FROM experiment_cells WHERE experiment_id = ?').run(experiment);
  database
    .prepare('DELETE FROM cells WHERE NOT EXISTS (SELECT 1 FROM experiment_cells WHERE cell_id = cells.id)')
    .run();
  database
    .prepare('DELETE FROM settings WHERE NOT EXISTS (SELECT 1 FROM cells WHERE settings_id = settings.id)')
    .run();
  // A stack that still has cells of another experiment goes on under the oldest of those.
  const stacks = database
    .prepare<[number], { id: number; key: string; heir: number | null }>(
      `SELECT id, key, (SELECT min(experiment_cells.experiment_id) FROM cells JOIN experiment_cells ON cell_id = cells.id
         WHERE cells.stack_id = stacks.id) AS heir
       FROM stacks WHERE experiment_id = ? ORDER BY id`,
    )
    .all(experiment);
  const pass = database.prepare('UPDATE stacks SET experiment_id = ? WHERE id = ?');
  for (const stack of stacks) {
    if (stack.heir === null) removeStack(database, stack.id, stack.key, removed);
    else pass.run(stack.heir, stack.id);
  }
  database.prepare('DELETE FROM experiments WHERE id = ?').run(experiment);
  for (const key of removeEmptyImports(database)) removed.push(`import-${key}.`);
}

function annotate(database: Database, { experiment, name, notes, tags }: FactOf<'annotate'>): void {
  database
    .prepare(
      'UPDATE experiments SET name = coalesce(?, name), notes = coalesce(?, notes), tags = coalesce(?, tags) WHERE id = ?',
    )
    .run(
      name ?? null,
      notes ?? null,
      tags === undefined ? null : JSON.stringify(tags),
      id(database, 'experiments', experiment),
    );
}

function keepFigure(database: Database, { experiment, name, time, record }: FactOf<'figure'>): void {
  const owner = id(database, 'experiments', experiment);
  if (record === null)
    database.prepare('DELETE FROM figures WHERE experiment_id = ? AND name = ?').run(owner, name);
  else
    database
      .prepare(
        `INSERT INTO figures (experiment_id, name, saved_at, record) VALUES (?, ?, ?, ?)
         ON CONFLICT (experiment_id, name) DO UPDATE SET saved_at = excluded.saved_at, record = excluded.record`,
      )
      .run(owner, name, time, JSON.stringify(record));
}

/** Throws StoreError when the fact names what the store does not have; then the transaction must be given up. */
export function applyFact(database: Database, fact: Fact, removed: RemovedFiles, spoolFolder: string): void {
  switch (fact.fact) {
    case 'experiment':
      return addExperiment(database, fact);
    case 'import':
      return addImport(database, fact, spoolFolder);
    case 'stacks':
      return addStacks(database, fact);
    case 'started':
      return start(database, fact);
    case 'ended':
      return end(database, fact);
    case 'reset':
      return reset(database, fact, removed);
    case 'prediction':
      database
        .prepare('INSERT INTO predictions (key, experiment_id, created_at, record) VALUES (?, ?, ?, ?)')
        .run(fact.key, id(database, 'experiments', fact.experiment), fact.time, JSON.stringify(fact.record));
      return;
    case 'figure':
      return keepFigure(database, fact);
    case 'hold':
      database
        .prepare('UPDATE experiments SET hold_reason = ?, hold_since = ? WHERE id = ?')
        .run(
          fact.reason,
          fact.reason === null ? null : fact.time,
          id(database, 'experiments', fact.experiment),
        );
      return;
    case 'archive':
      database
        .prepare('UPDATE experiments SET archived = ? WHERE id = ?')
        .run(fact.archived ? 1 : 0, id(database, 'experiments', fact.experiment));
      return;
    case 'annotate':
      return annotate(database, fact);
    case 'delete':
      return remove(database, fact, removed);
    case 'event':
      database
        .prepare('INSERT INTO events (time, experiment_id, stack_key, kind, message) VALUES (?, ?, ?, ?, ?)')
        .run(
          fact.time,
          fact.experiment === null ? null : id(database, 'experiments', fact.experiment),
          fact.stack,
          fact.kind,
          fact.message,
        );
      return;
  }
}
