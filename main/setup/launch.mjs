// Starts the product on a Node that is new enough: node main/setup/launch.mjs <surge | entry.ts> [arguments...]
// Plain JavaScript: it must parse and run on every Node from 18 on.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { noNodeMessage, npmNode, runsTypeScript } from './node-runtime.mjs';

const entries = { surge: 'main/doors/cli/surge.ts' };

const root = fileURLToPath(new URL('../..', import.meta.url));
const [name, ...rest] = process.argv.slice(2);

/** Ends with one readable message and exit code 2. */
function refuse(...lines) {
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(2);
}

if (name === undefined) {
  refuse(`Usage: node main/setup/launch.mjs <${Object.keys(entries).join(' | ')} | file.ts> [arguments...]`);
}
const entry = resolve(root, Object.hasOwn(entries, name) ? entries[name] : name);
if (!existsSync(entry)) refuse(`There is no ${entry}.`, `Known names: ${Object.keys(entries).join(', ')}.`);

if (runsTypeScript(process.versions.node)) {
  silenceTypeStrippingWarning();
  // The entry sees its own path and arguments, as if it had been started directly.
  process.argv = [process.argv[0], entry, ...rest];
  await import(pathToFileURL(entry).href);
} else {
  const node = npmNode();
  if (node === null) {
    const { message, wayOut } = noNodeMessage();
    refuse(message, wayOut);
  }
  startOn(node);
}

/** Node 22 calls type stripping experimental on stderr at each start; every other warning still shows. */
function silenceTypeStrippingWarning() {
  const emitWarning = process.emitWarning;
  process.emitWarning = (warning, ...details) => {
    if (!/type stripping/i.test(String(warning))) emitWarning.call(process, warning, ...details);
  };
}

/** Runs this launcher again on `node`: same terminal, signals passed on, same exit code or signal. */
function startOn(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), name, ...rest], { stdio: 'inherit' });
  const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of forwarded) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole foreground group: passing it on would count as a second one.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    });
  }
  child.on('error', (error) =>
    refuse(`The Node at ${node} does not start: ${error.message}`, noNodeMessage().wayOut),
  );
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const each of forwarded) process.removeAllListeners(each);
    // End the same way the child did, so that a shell or a supervisor sees it; the exit code is for signals that do not end us.
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 1000);
  });
}
