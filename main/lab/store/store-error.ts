/** What can go wrong with a store, in words that a door can turn into an exit code or a screen. */
export type StoreErrorCode =
  | 'missing'
  | 'locked'
  | 'busy'
  | 'read-only'
  | 'disk-full'
  | 'not-a-database'
  | 'not-a-store'
  | 'from-the-future'
  | 'needs-migration'
  | 'migration-failed'
  | 'damaged'
  | 'spool-replaced'
  | 'nothing-to-rebuild'
  | 'unknown-experiment'
  | 'ambiguous-experiment'
  | 'unknown-stack'
  /** Asked of an imported sweep, but only possible for one trained here, or not with its columns. */
  | 'imported'
  | 'not-imported'
  | 'invalid'
  | 'failed';

/** An error of the store that a person can read and act on. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** Turns errors of SQLite and of the file system into a StoreError; anything else is returned as it is. */
export function asStoreError(error: unknown, file: string): unknown {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const cause = { cause: error };
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_IOERR_WRITE') {
    return new StoreError(
      'disk-full',
      `The disk that holds ${file} is full or cannot be written to. Nothing was half written: free some space and try again.`,
      cause,
    );
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new StoreError('busy', `Another program is using ${file}; try again in a moment.`, cause);
  }
  if (code.startsWith('SQLITE_READONLY') || code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return new StoreError(
      'read-only',
      `${file} or its folder cannot be written to. Choose another place with --store, or look at it read-only.`,
      cause,
    );
  }
  if (code === 'SQLITE_NOTADB') {
    return new StoreError(
      'not-a-database',
      `${file} is not a Surge Lab store: it is not an SQLite database. It was left as it is; choose another file with --store.`,
      cause,
    );
  }
  if (code.startsWith('SQLITE_CORRUPT')) {
    return new StoreError(
      'damaged',
      `${file} is damaged (${text}). It was left as it is; \`surge doctor --rebuild\` makes a new one from the spool.`,
      cause,
    );
  }
  if (code.startsWith('SQLITE_')) {
    return new StoreError('failed', `The store ${file} reported ${code}: ${text}`, cause);
  }
  return error;
}
