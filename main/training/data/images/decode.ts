/**
 * A process that decodes the images of a folder or archive into one file. Of its own, because a decoder is loaded with the
 * whole engine, whose settings a trainer fixes when it starts, and because a broken image must not end a lab. A request on
 * standard input, {} or {"error"} on standard output.
 */
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { loadTensorflow } from '#main/setup/load-engine.ts';
import { locateEngine } from '#main/setup/locate-engine.ts';
import { SetupError } from '#main/setup/setup-error.ts';
import { DataError } from '../classification.ts';
import { headerBytes } from './decoded-file.ts';
import { listImages } from './list.ts';
import type { Picture } from './resize.ts';
import { fitted, planes } from './resize.ts';
import { openTree } from './tree.ts';

export interface DecodeRequest {
  readonly root: string;
  readonly prefix: string;
  readonly size: number | null;
  readonly channels: 1 | 3;
  readonly output: string;
}

function main({ root, prefix, size, channels, output }: DecodeRequest): void {
  const tree = openTree(root, prefix);
  const { training, evaluation } = listImages(tree);
  const images = [...training, ...(evaluation ?? [])];
  const decode = decoder(channels);
  const unfinished = `${output}.${process.pid}`;
  const descriptor = openSync(unfinished, 'w');
  try {
    let sizes: readonly [number, number] | null = null;
    const { length } = headerBytes({ format: 1, images: 0, channels, height: 1, width: 1 });
    let at = length;
    for (const { path } of images) {
      const picture = decode(tree.read(path), tree.name(path));
      if (size === null) {
        sizes ??= [picture.height, picture.width];
        if (picture.height !== sizes[0] || picture.width !== sizes[1])
          throw new DataError(
            `${tree.name(path)}: has ${picture.height} × ${picture.width} pixels, ${tree.name(images[0].path)} has ${sizes[0]} × ${sizes[1]}; give workload.data.size to bring them to one size`,
          );
      }
      const bytes = size === null ? planes(picture) : fitted(picture, size);
      at += writeSync(descriptor, bytes, 0, bytes.length, at);
    }
    const [height, width] = sizes ?? [size ?? 1, size ?? 1];
    writeSync(
      descriptor,
      headerBytes({ format: 1, images: images.length, channels, height, width }),
      0,
      length,
      0,
    );
    closeSync(descriptor);
    renameSync(unfinished, output);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** The decoders of TensorFlow: JPEG with exact arithmetic, so that machines agree; PNG and BMP. */
function decoder(channels: 1 | 3): (bytes: Buffer, name: string) => Picture {
  const location = locateEngine();
  if (location === null)
    throw new DataError(
      'the TensorFlow engine, which decodes images, is not installed; run "surge engine install"',
    );
  const tf = loadTensorflow(location);
  return (bytes, name) => {
    try {
      const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
      const decoded = isJpeg
        ? tf.node.decodeJpeg(bytes, channels, 1, true, false, 1, 'INTEGER_ACCURATE')
        : tf.node.decodeImage(bytes, bytes[0] === 0x42 ? 3 : channels, 'int32', false);
      const [height, width, found]: number[] = decoded.shape;
      const pixels = decoded.dataSync<'int32'>();
      decoded.dispose();
      return found === channels
        ? { height, width, channels, pixels }
        : { height, width, channels, pixels: gray(pixels) };
    } catch (error) {
      const said = String((error as Error).message).split('\n')[0];
      throw new DataError(`${name}: is not an image that can be decoded (${said})`);
    }
  };
}

/** Luma of ITU-R BT.601, as JPEG has it. */
function gray(rgb: Int32Array): Uint8Array {
  return Uint8Array.from({ length: rgb.length / 3 }, (_, i) =>
    Math.round(0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2]),
  );
}

try {
  main(JSON.parse(readFileSync(0, 'utf8')) as DecodeRequest);
  process.stdout.write('{}');
} catch (error) {
  const message = error instanceof SetupError ? error.describe() : (error as Error).message;
  process.stdout.write(JSON.stringify({ error: message }));
  process.exitCode = 1;
}
