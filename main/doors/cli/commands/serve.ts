import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { Lab } from '#main/lab/lab.ts';
import { builtWindow } from '#main/doors/web/build-window.ts';
import { openBrowser } from '#main/doors/web/open-browser.ts';
import { WebHost } from '#main/doors/web/server.ts';
import packageFile from '../../../../package.json' with { type: 'json' };
import { BadInput } from '../exit-codes.ts';
import { storeFile } from '../store-access.ts';
import { notice, print, printJson } from '../terminal.ts';
import { withJson, withStore, wholeNumber } from './options.ts';

interface ServeOptions {
  readonly store?: string;
  readonly port: number;
  readonly open: boolean;
  readonly readOnly?: boolean;
  readonly trainers?: number;
  readonly json?: boolean;
}

export function addServe(program: Command): void {
  withJson(withStore(program.command('serve').description('the lab in your browser, for this machine only')))
    .option('--port <n>', 'port on the loopback interface (default: a free one)', portNumber, 0)
    .option('--no-open', 'print the link only; no browser is opened')
    .option('--read-only', 'only look: nothing in the store can be changed')
    .option('--trainers <n>', 'trainer processes at once (default: one a core as memory allows)', wholeNumber)
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const files = await builtWindow(notice);
  const lab = await Lab.open({
    file: storeFile(options),
    readOnly: options.readOnly === true,
    version: packageFile.version,
    trainers: options.trainers,
    onFault: (what, error) =>
      notice(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
  });
  let host: WebHost;
  try {
    host = await WebHost.start({ lab, files, port: options.port });
  } catch (error) {
    await lab.close();
    throw new BadInput(`Port ${options.port} cannot be used: ${(error as Error).message}`);
  }
  const { problem } = lab.queueState();
  if (problem !== '') notice(problem);
  if (options.json === true)
    printJson({ url: host.url, port: host.port, store: lab.store.file, access: lab.access });
  else
    print(
      `Surge Lab is at ${host.url}\nStore: ${lab.store.file}. Ctrl-C ends it; what is being trained saves a checkpoint first.`,
    );
  if (options.open && !(await openBrowser(host.url)))
    notice('No browser could be opened: use the link above.');
  await untilAsked(lab);
  await host.close();
  await lab.close();
}

/** Resolves at Ctrl-C or SIGTERM; a second one does not wait for checkpoints. */
function untilAsked(lab: Lab): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = () => {
      // The spools and the last checkpoints keep what there is.
      if (asked) process.exit();
      asked = true;
      if (lab.isTraining)
        notice('Stopping: running stacks save a checkpoint. Press Ctrl-C again to stop at once.');
      resolve();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('a whole number from 0 to 65535 is needed.');
  return port;
}
