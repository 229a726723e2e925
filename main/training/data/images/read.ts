/** Images of a folder or archive as examples; they are decoded once and kept. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNode } from '#main/setup/node.ts';
import { cacheFolder } from '#main/setup/platform.ts';
import type { LabelledExamples } from '../classification.ts';
import { DataError } from '../classification.ts';
import type { DecodeRequest } from './decode.ts';
import type { DecodedImages } from './decoded-file.ts';
import { readDecoded } from './decoded-file.ts';
import { listImages } from './list.ts';
import { openTree } from './tree.ts';

export interface ImageOptions {
  /** A folder, or a zip archive of one. */
  readonly root: string;
  /** The folder of the archive that counts as root. */
  readonly prefix?: string;
  /** Side after scaling and cropping; without it all images must have one size. */
  readonly size?: number | undefined;
  readonly color: 'rgb' | 'gray';
}

const DECODE = fileURLToPath(new URL('./decode.ts', import.meta.url));

/** Pixels stay bytes. Throws a DataError that names the file or class. */
export function readImages(options: ImageOptions): {
  readonly training: LabelledExamples;
  readonly evaluation: LabelledExamples | null;
} {
  const { root, prefix = '', size = null, color } = options;
  const listing = listImages(openTree(root, prefix));
  const channels = color === 'rgb' ? 3 : 1;
  // Told by its name to whoever cleans up.
  const place = `${basename(root).replace(/[^\w.-]/g, '_')}-${digest([root, prefix, size, channels])}`;
  const output = join(cacheFolder('images'), `${place}-${digest([listing.mark])}.pixels`);
  const decoded = readDecoded(output) ?? decode({ root, prefix, size, channels, output }, place);
  const { shape, pixels } = decoded;
  const features = shape.channels * shape.height * shape.width;
  const part = (images: readonly { readonly label: number }[], first: number): LabelledExamples => ({
    features,
    image: shape,
    images: pixels.subarray(first * features, (first + images.length) * features),
    labels: Int32Array.from(images, ({ label }) => label),
  });
  const { training, evaluation } = listing;
  return {
    training: part(training, 0),
    evaluation: evaluation === null ? null : part(evaluation, training.length),
  };
}

function decode(request: DecodeRequest, place: string): DecodedImages {
  const folder = dirname(request.output);
  try {
    mkdirSync(folder, { recursive: true });
    // Decodings of the same images as they were before.
    for (const name of readdirSync(folder))
      if (name.startsWith(`${place}-`)) rmSync(join(folder, name), { force: true });
  } catch (error) {
    throw new DataError(`${folder}: decoded images cannot be kept there (${(error as Error).message})`);
  }
  const child = spawnSync(findNode(), [DECODE], {
    input: JSON.stringify(request),
    encoding: 'utf8',
    // Decoding is the processor's work: a card is left to those who train on it.
    env: { ...process.env, CUDA_VISIBLE_DEVICES: '-1', TF_CPP_MIN_LOG_LEVEL: '3' },
  });
  if (child.status !== 0) throw new DataError(errorOf(child.stdout) ?? `${request.root}: ${crash(child)}`);
  const decoded = readDecoded(request.output);
  if (decoded === null)
    throw new DataError(`${request.output}: the decoded images have vanished; start again`);
  return decoded;
}

function errorOf(output: string): string | null {
  try {
    return (JSON.parse(output) as { error?: string }).error ?? null;
  } catch {
    return null;
  }
}

function crash({ signal, stderr, error }: ReturnType<typeof spawnSync>): string {
  const said = error?.message ?? signal ?? String(stderr).trim().split('\n').at(-1);
  return `its images cannot be decoded (${said ?? 'the decoder ended'})`;
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 20);
}
