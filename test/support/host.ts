/** `surge serve` as a child process, on a store and settings of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSurge, type Running } from './cli.ts';

export interface Host {
  readonly url: string;
  readonly folder: string;
  readonly store: string;
  readonly running: Running;
  /** As Ctrl-C does; resolves when it has ended. */
  stop(): Promise<void>;
  /** At once, as a power cut does. */
  kill(): Promise<void>;
}

/** Starts `surge serve`. Without a folder it gets a new one, which `stop` removes. */
export async function startHost(
  options: { folder?: string; store?: string; arguments?: readonly string[] } = {},
): Promise<Host> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'surge-window-'));
  const store = options.store ?? join(folder, 'lab.surge');
  const running = startSurge(
    ['serve', '--no-open', '--json', '--store', store, ...(options.arguments ?? [])],
    // Settings of its own: a test changes no theme of the person who runs it.
    { XDG_CONFIG_HOME: join(folder, 'config') },
  );
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    running.child.stdout?.on('data', (data: Buffer) => {
      said += data.toString();
      const address = /"url": "([^"]+)"/.exec(said)?.[1];
      if (address !== undefined) resolve(address);
    });
    void running.finished.then(({ code, stderr }) =>
      reject(new Error(`surge serve ended with code ${code}:\n${stderr}`)),
    );
  });
  const end = async (signal: NodeJS.Signals) => {
    running.child.kill(signal);
    await running.finished;
    if (options.folder === undefined && signal === 'SIGTERM')
      rmSync(folder, { recursive: true, force: true });
  };
  return { url, folder, store, running, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}
