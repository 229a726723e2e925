/** The tables, as numbered steps. A step that has been released is never edited; a change is a new step. */
import type { Database } from 'better-sqlite3';

export interface Migration {
  /** 1, 2, 3, …: the user_version after this step. */
  readonly version: number;
  readonly name: string;
  readonly apply: (database: Database) => void;
}

/** "SRGE": tells a Surge Lab store from any other SQLite file. */
export const applicationId = 0x53524745;

const firstTables = `
  -- One row: how far the lab's journal is in this database, and the oldest schema that can read it.
  CREATE TABLE store_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    reader_version INTEGER NOT NULL,
    journal_offset INTEGER NOT NULL,
    journal_tail BLOB NOT NULL
  ) STRICT;
  INSERT INTO store_state VALUES (1, 1, 0, x'');

  CREATE TABLE experiments (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    specification TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1)),
    hold_reason TEXT,
    hold_since INTEGER
  ) STRICT;
  CREATE INDEX experiments_by_name ON experiments (name);

  -- What many cells have in common: workload, optimizer, steps, marks, ... as canonical JSON.
  CREATE TABLE settings (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    configuration TEXT NOT NULL
  ) STRICT;

  CREATE TABLE stacks (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    experiment_id INTEGER NOT NULL REFERENCES experiments (id),
    plan TEXT NOT NULL,
    cells INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'running', 'finished', 'interrupted', 'out-of-memory', 'failed')),
    reason TEXT NOT NULL DEFAULT '',
    position INTEGER NOT NULL,
    threads INTEGER NOT NULL,
    chunk_steps INTEGER NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('compiled', 'eager')),
    steps_done INTEGER NOT NULL DEFAULT 0,
    checkpoint_step INTEGER NOT NULL DEFAULT 0,
    pid INTEGER,
    start_ticks INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    engine TEXT,
    host TEXT NOT NULL DEFAULT '',
    data_checksum TEXT NOT NULL DEFAULT '',
    train_milliseconds REAL NOT NULL DEFAULT 0,
    evaluate_milliseconds REAL NOT NULL DEFAULT 0,
    compile_milliseconds REAL NOT NULL DEFAULT 0,
    peak_resident_bytes INTEGER NOT NULL DEFAULT 0,
    -- Bytes of the spool that are in this database, and the last bytes before that point to recognise the file by.
    spool_offset INTEGER NOT NULL DEFAULT 0,
    spool_tail BLOB NOT NULL DEFAULT x'',
    spool_time INTEGER NOT NULL,
    bad_lines INTEGER NOT NULL DEFAULT 0,
    -- The last 'stopped' or 'finished' line; it counts only when it lies behind the bytes of earlier attempts.
    ending TEXT,
    ending_message TEXT NOT NULL DEFAULT '',
    ending_offset INTEGER NOT NULL DEFAULT 0,
    attempt_offset INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX stacks_by_experiment ON stacks (experiment_id, position);

  CREATE TABLE cells (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    settings_id INTEGER NOT NULL REFERENCES settings (id),
    batch_size INTEGER NOT NULL,
    learning_rate REAL NOT NULL,
    seed INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'planned' CHECK (state IN
      ('planned', 'running', 'done', 'diverged', 'out-of-memory', 'interrupted', 'failed')),
    reason TEXT NOT NULL DEFAULT '',
    -- A column of its own: SQLite keeps NaN as NULL, so a value column could not tell divergence from absence.
    diverged_at INTEGER,
    stack_id INTEGER REFERENCES stacks (id),
    stack_column INTEGER,
    CHECK ((stack_id IS NULL) = (stack_column IS NULL))
  ) STRICT;
  CREATE UNIQUE INDEX cells_by_stack ON cells (stack_id, stack_column) WHERE stack_id IS NOT NULL;
  CREATE INDEX cells_by_settings ON cells (settings_id);
  CREATE INDEX cells_by_point ON cells (batch_size, learning_rate, seed);

  -- The grid of an experiment; a cell can be in many.
  CREATE TABLE experiment_cells (
    experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    cell_id INTEGER NOT NULL REFERENCES cells (id),
    PRIMARY KEY (experiment_id, position),
    UNIQUE (cell_id, experiment_id)
  ) STRICT, WITHOUT ROWID;

  -- Points of one metric for all cells of a stack: point-major little-endian float32, non-finite values exact.
  CREATE TABLE curve_blocks (
    stack_id INTEGER NOT NULL REFERENCES stacks (id) ON DELETE CASCADE,
    metric TEXT NOT NULL,
    first_point INTEGER NOT NULL,
    points INTEGER NOT NULL,
    cells INTEGER NOT NULL,
    non_finite INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (stack_id, metric, first_point),
    CHECK (length(data) = 4 * points * cells)
  ) STRICT;

  CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    experiment_id INTEGER REFERENCES experiments (id) ON DELETE CASCADE,
    stack_key TEXT,
    kind TEXT NOT NULL,
    message TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_experiment ON events (experiment_id, time);
`;

const importTables = `
  -- One imported file. Its families are experiments of their own.
  CREATE TABLE imports (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    -- SHA-256 of the file's checksum and the mapping.
    identity TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    file TEXT NOT NULL,
    checksum TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    mapping TEXT NOT NULL,
    report TEXT NOT NULL,
    batch_unit TEXT NOT NULL,
    goal TEXT NOT NULL CHECK (goal IN ('minimize', 'maximize'))
  ) STRICT;
  CREATE INDEX imports_by_name ON imports (name);

  CREATE TABLE imported_families (
    experiment_id INTEGER PRIMARY KEY REFERENCES experiments (id) ON DELETE CASCADE,
    import_id INTEGER NOT NULL REFERENCES imports (id),
    position INTEGER NOT NULL,
    label TEXT NOT NULL,
    -- Values of the family columns as JSON.
    family TEXT NOT NULL,
    missing INTEGER NOT NULL,
    analyses TEXT NOT NULL,
    UNIQUE (import_id, position)
  ) STRICT;

  CREATE TABLE imported_cells (
    experiment_id INTEGER NOT NULL REFERENCES imported_families (experiment_id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    batch_size REAL NOT NULL,
    learning_rate REAL,
    written_learning_rate REAL,
    seed TEXT NOT NULL,
    failure TEXT,
    failure_step REAL,
    -- NULL without a loss column, and for the NaN of failed cells: SQLite keeps NaN as NULL, and the mapping tells them apart.
    loss REAL,
    loss_error REAL,
    steps_to_target REAL,
    tokens REAL,
    step REAL,
    line INTEGER NOT NULL,
    -- Little-endian float64: the steps, then the losses.
    points INTEGER NOT NULL,
    curve BLOB NOT NULL,
    PRIMARY KEY (experiment_id, position),
    CHECK (length(curve) = 16 * points)
  ) STRICT, WITHOUT ROWID;

  -- Experiments without a specification mean nothing to readers of schema 1.
  UPDATE store_state SET reader_version = 2;
`;

const predictionTable = `
  -- What the theory predicted at a point of a run of an experiment.
  CREATE TABLE predictions (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    -- PredictionRecord as JSON.
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX predictions_by_experiment ON predictions (experiment_id, created_at);
`;

const annotationColumns = `
  -- NULL: the notes of the specification.
  ALTER TABLE experiments ADD COLUMN notes TEXT;
  -- A JSON array of texts.
  ALTER TABLE experiments ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
`;

const figureTable = `
  -- Figures that are kept with an experiment.
  CREATE TABLE figures (
    id INTEGER PRIMARY KEY,
    experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    saved_at INTEGER NOT NULL,
    -- SavedFigureRecord as JSON.
    record TEXT NOT NULL,
    UNIQUE (experiment_id, name)
  ) STRICT;
`;

export const migrations: readonly Migration[] = [
  { version: 1, name: 'first tables', apply: (database) => database.exec(firstTables) },
  { version: 2, name: 'imports', apply: (database) => database.exec(importTables) },
  // Readers of schema 2 see everything that they know.
  { version: 3, name: 'predictions', apply: (database) => database.exec(predictionTable) },
  { version: 4, name: 'annotations', apply: (database) => database.exec(annotationColumns) },
  { version: 5, name: 'figures', apply: (database) => database.exec(figureTable) },
];
