/** What went wrong in set-up; stable, for `--json` output and tests. */
export type SetupErrorCode =
  | 'unsupported-platform'
  | 'no-node'
  | 'no-python'
  | 'no-pip'
  | 'download-failed'
  | 'corrupt-download'
  | 'stopped'
  | 'no-compiler'
  | 'build-failed'
  | 'no-disk-space'
  | 'cache-not-writable'
  | 'install-locked'
  | 'bad-engine-folder'
  | 'no-engine'
  | 'engine-does-not-load';

/** A set-up failure that a person can act on: `message` says what happened and what is safe, `wayOut` what to do. */
export class SetupError extends Error {
  readonly code: SetupErrorCode;
  readonly wayOut: string;

  constructor(code: SetupErrorCode, message: string, wayOut: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SetupError';
    this.code = code;
    this.wayOut = wayOut;
  }

  /** The whole message for a terminal: what happened, then the way out. */
  describe(): string {
    return `${this.message}\n${this.wayOut}`;
  }
}

/** What an installation rejects with when whoever asked for it ends. */
export function installationStopped(): SetupError {
  return new SetupError(
    'stopped',
    'The installation of the engine was stopped. What was downloaded is kept.',
    'Start it again: it goes on from there.',
  );
}
