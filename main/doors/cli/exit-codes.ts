/** Exit codes of `surge`, stable and documented in docs/cli.md. */
export const exitCodes = {
  ok: 0,
  /** Something unexpected: a bug or a broken machine. */
  error: 1,
  /** What was asked for is wrong: arguments, an experiment file, an unknown experiment. */
  badInput: 2,
  /** Stopped or held before the end; `surge resume` continues. */
  incomplete: 3,
  /** Everything that could be trained was, some cells could not. */
  failedCells: 4,
  /** The store cannot be opened or written. */
  store: 5,
  /** The engine is missing or does not work. */
  engine: 6,
  /** `surge controls`: a negative control does not behave. */
  control: 7,
} as const;

/** A mistake in what was asked for; printed as it is, without a stack. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}
