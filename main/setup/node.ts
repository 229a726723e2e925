import { noNodeMessage, npmNode, runsTypeScript } from './node-runtime.mjs';
import { SetupError } from './setup-error.ts';

/**
 * The real Node binary that trainers and the engine check run with: this process's own when it is a Node (not
 * Electron) that runs TypeScript, else the one npm installed. Throws a {@link SetupError} `no-node` when there is none.
 */
export function findNode(): string {
  if (process.versions.electron === undefined && runsTypeScript(process.versions.node))
    return process.execPath;
  const node = npmNode();
  if (node !== null) return node;
  const { message, wayOut } = noNodeMessage();
  throw new SetupError('no-node', message, wayOut);
}
