import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Runs `write` on a temporary name and renames when it is complete; returns the bytes. Nothing is left when it throws. */
export async function underTemporaryName(
  file: string,
  write: (partial: string) => Promise<void>,
): Promise<number> {
  const partial = `${file}.partial`;
  try {
    await write(partial);
    const { size } = await stat(partial);
    await rename(partial, file);
    return size;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Joins small texts, so that a stream is not asked a million times. */
function* joined(texts: Iterable<string>): Generator<string> {
  let text = '';
  for (const piece of texts) {
    text += piece;
    if (text.length > 65_536) {
      yield text;
      text = '';
    }
  }
  if (text !== '') yield text;
}

export async function writeWhole(file: string, texts: Iterable<string>): Promise<number> {
  return underTemporaryName(file, (partial) =>
    pipeline(Readable.from(joined(texts)), createWriteStream(partial, { flush: true })),
  );
}
