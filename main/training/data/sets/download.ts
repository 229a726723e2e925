/** One file from the network: resumed where it stopped, tried again when the connection breaks, given up when it stalls. */
import { open, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSetError } from './folder.ts';

export interface DownloadOptions {
  /** Bytes of the file that are there, and of how many; null where the server does not say. */
  readonly onProgress?: (done: number, total: number | null) => void;
  /** A connection that brings nothing for so long is broken off. Default 30 s. */
  readonly stallMilliseconds?: number;
  /** Wait before the first repetition, doubled each time. Default 1 s. */
  readonly pauseMilliseconds?: number;
  /** Connections in a row that may bring nothing. Default 5. */
  readonly attempts?: number;
}

/** A failure that the same request will not get over. */
class Final extends DataSetError {}

/**
 * Fetches `url` to `file` by way of `file.part`, which stays when the download fails and is continued next time.
 * Returns whether an older part was continued. Throws a DataSetError that names the address.
 */
export async function download(
  url: string,
  file: string,
  options: DownloadOptions = {},
): Promise<{ readonly resumed: boolean }> {
  const { attempts = 5, pauseMilliseconds = 1_000 } = options;
  const part = `${file}.part`;
  const resumed = (await sizeOf(part)) > 0;
  for (let failures = 0, reason = ''; ;) {
    const before = await sizeOf(part);
    try {
      await continueDownload(url, part, before, options);
      await rename(part, file);
      return { resumed };
    } catch (error) {
      if (error instanceof Final) throw error;
      reason = inWords(error);
    }
    failures = (await sizeOf(part)) > before ? 1 : failures + 1;
    if (failures >= attempts)
      throw new DataSetError(
        `${url}: cannot be fetched (${reason}); what has arrived is kept, so that the same command continues it`,
      );
    await sleep(pauseMilliseconds * 2 ** (failures - 1));
  }
}

async function continueDownload(
  url: string,
  part: string,
  have: number,
  { onProgress, stallMilliseconds = 30_000 }: DownloadOptions,
): Promise<void> {
  const controller = new AbortController();
  const stalled = () => controller.abort(new Error(`nothing came for ${stallMilliseconds / 1000} s`));
  let timer = setTimeout(stalled, stallMilliseconds);
  try {
    const response = await fetch(url, {
      // A packed transfer would be unpacked on the way: its bytes could not be counted, nor continued.
      headers: { 'Accept-Encoding': 'identity', ...(have > 0 ? { Range: `bytes=${have}-` } : {}) },
      signal: controller.signal,
    });
    if (response.status === 416) {
      await response.body?.cancel();
      // Nothing is missing, or the part is not of this file.
      if (response.headers.get('Content-Range') === `bytes */${have}`) return;
      await rm(part, { force: true });
      throw new Error('the server has less than the part that is here');
    }
    if (!response.ok) {
      await response.body?.cancel();
      const said = `${url}: the server says ${response.status} ${response.statusText}`.trimEnd();
      const passing = response.status >= 500 || response.status === 408 || response.status === 429;
      throw passing ? new Error(said) : new Final(`${said}; try another one with --mirror`);
    }
    const start = response.status === 206 ? startOf(response.headers.get('Content-Range')) : 0;
    if (start !== 0 && start !== have) throw new Error('the server continued at another place');
    const length = response.headers.get('Content-Length');
    const total = length === null ? null : start + Number(length);
    // A server that begins again is let: the part is overwritten.
    const handle = await open(part, start === 0 ? 'w' : 'a');
    try {
      let done = start;
      onProgress?.(done, total);
      for await (const bytes of response.body ?? []) {
        clearTimeout(timer);
        await write(handle, bytes as Uint8Array, part);
        done += (bytes as Uint8Array).length;
        onProgress?.(done, total);
        timer = setTimeout(stalled, stallMilliseconds);
      }
      clearTimeout(timer);
      if (total !== null && done !== total)
        throw new Error(`the connection ended after ${done} of ${total} bytes`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } finally {
    clearTimeout(timer);
  }
}

async function write(handle: FileHandle, bytes: Uint8Array, part: string): Promise<void> {
  try {
    await handle.writeFile(bytes);
  } catch (error) {
    throw asFinal(error, part);
  }
}

/** Disk trouble is the same at every attempt. */
function asFinal(error: unknown, part: string): Final {
  const full = ['ENOSPC', 'EDQUOT'].includes(String((error as NodeJS.ErrnoException).code));
  return new Final(
    full
      ? `${part}: the disk is full; make room, or name another folder with SURGE_DATA, and start again: what has arrived is kept`
      : `${part}: cannot be written (${(error as Error).message})`,
  );
}

/** 5 in "bytes 5-9/10"; −1 where it says nothing of the kind. */
function startOf(contentRange: string | null): number {
  const start = /^bytes (\d+)-/.exec(contentRange ?? '')?.[1];
  return start === undefined ? -1 : Number(start);
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}

/** The reason at the bottom: fetch itself only says that it failed. */
function inWords(error: unknown): string {
  let last = error as Error;
  while (last.cause instanceof Error) last = last.cause;
  return last.message === '' ? String((last as NodeJS.ErrnoException).code ?? last.name) : last.message;
}
