/** `surge data`: everything about fetching is shown against a server on this machine. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dataSetNames } from '#shared/experiment/data-sets.ts';
import { specificationSchema } from '#shared/experiment/specification.ts';
import { cifarExamples } from '#main/training/data/cifar.ts';
import { loadClassification } from '#main/training/data/load.ts';
import { addDataSet, type AddOptions } from '#main/training/data/sets/add.ts';
import { catalog, type SetEntry } from '#main/training/data/sets/catalog.ts';
import { download } from '#main/training/data/sets/download.ts';
import { damagedFiles, dataFolder, presentSet } from '#main/training/data/sets/folder.ts';
import { loadTokens } from '#main/training/data/text.ts';
import { readTar } from '#main/training/data/tar.ts';
import { openZip } from '#main/training/data/zip.ts';
import { idxBytes } from '../../support/idx.ts';
import { zip } from '../../support/zip.ts';

const content = Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 31) % 251));
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let folder = '';
let root = '';
let server: Server;
let base = '';
let answers: Answer[] = [];
let ranges: (string | undefined)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'surge-sets-'));
  root = join(folder, 'data');
  answers = [];
  ranges = [];
  // Each request takes the next answer, and the last one stays.
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    const answer = answers.length > 1 ? answers.shift()! : answers[0];
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

/** Serves `bytes` and honours ranges. */
const whole =
  (bytes: Buffer): Answer =>
  (request, response) => {
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from >= bytes.length && from > 0) {
      response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end();
      return;
    }
    response.writeHead(from > 0 ? 206 : 200, {
      'Content-Length': bytes.length - from,
      ...(from > 0 ? { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
    });
    response.end(bytes.subarray(from));
  };
/** A connection that breaks off once the other side has this much of the file. */
let breaking: { readonly at: number; readonly response: ServerResponse } | null = null;
const breakAt = (done: number) => {
  if (breaking === null || done < breaking.at) return;
  breaking.response.destroy();
  breaking = null;
};
/** Promises everything, and sends the first `count` bytes of what is asked for. */
const cut =
  (bytes: Buffer, count: number): Answer =>
  (request, response) => {
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      'Content-Length': bytes.length - from,
      ...(from > 0 ? { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
    });
    breaking = { at: from + count, response };
    response.write(bytes.subarray(from, from + count));
  };
const ignoringRange =
  (bytes: Buffer): Answer =>
  (_, response) =>
    response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes);
const silent: Answer = (_, response) => {
  response.writeHead(200, { 'Content-Length': content.length });
  response.write(content.subarray(0, 10));
};
const status =
  (code: number): Answer =>
  (_, response) =>
    response.writeHead(code).end('no');

const quick = { pauseMilliseconds: 1, attempts: 3 };
const at = (name: string) => join(folder, name);

describe('a download', () => {
  it('that breaks off is continued from where it stopped', async () => {
    answers = [cut(content, 1000), cut(content, 1500), whole(content)];
    await download(`${base}/x`, at('x'), { ...quick, onProgress: breakAt });
    expect(readFileSync(at('x'))).toEqual(content);
    expect(existsSync(at('x.part'))).toBe(false);
    expect(ranges).toEqual([undefined, 'bytes=1000-', 'bytes=2500-']);
  });

  it('is continued by the next command from the part that was left', async () => {
    writeFileSync(at('x.part'), content.subarray(0, 1234));
    answers = [whole(content)];
    expect(await download(`${base}/x`, at('x'), quick)).toEqual({ resumed: true });
    expect(ranges).toEqual(['bytes=1234-']);
    expect(readFileSync(at('x'))).toEqual(content);
  });

  it('begins again where the server ignores ranges, and is done where nothing is missing', async () => {
    writeFileSync(at('x.part'), content.subarray(0, 1234));
    answers = [ignoringRange(content)];
    await download(`${base}/x`, at('x'), quick);
    expect(readFileSync(at('x'))).toEqual(content);
    writeFileSync(at('y.part'), content);
    answers = [whole(content)];
    await download(`${base}/y`, at('y'), quick);
    expect(readFileSync(at('y'))).toEqual(content);
  });

  it('begins again where the part is longer than the file', async () => {
    writeFileSync(at('x.part'), Buffer.concat([content, content]));
    answers = [whole(content)];
    await download(`${base}/x`, at('x'), quick);
    expect(readFileSync(at('x'))).toEqual(content);
    expect(ranges).toEqual([`bytes=${2 * content.length}-`, undefined]);
  });

  it('follows redirections and reports its progress', async () => {
    const seen: [number, number | null][] = [];
    answers = [(_, response) => response.writeHead(302, { Location: `${base}/there` }).end(), whole(content)];
    await download(`${base}/x`, at('x'), {
      ...quick,
      onProgress: (done, total) => seen.push([done, total]),
    });
    expect(readFileSync(at('x'))).toEqual(content);
    expect(seen[0]).toEqual([0, content.length]);
    expect(seen.at(-1)).toEqual([content.length, content.length]);
  });

  it('is not tried again where the server refuses, and tells the address', async () => {
    answers = [status(404)];
    await expect(download(`${base}/x`, at('x'), quick)).rejects.toThrow(
      `${base}/x: the server says 404 Not Found; try another one with --mirror`,
    );
    expect(ranges).toHaveLength(1);
  });

  it('is tried again where the server is in trouble, but not for ever', async () => {
    answers = [status(503), whole(content)];
    await download(`${base}/x`, at('x'), quick);
    answers = [status(503)];
    ranges = [];
    await expect(download(`${base}/y`, at('y'), quick)).rejects.toThrow(
      /y: cannot be fetched .*503.*continues it/,
    );
    expect(ranges).toHaveLength(3);
  });

  it('that stalls is broken off and continued', async () => {
    answers = [silent, whole(content)];
    // However slow the machine, one of many attempts is quick enough.
    await download(`${base}/x`, at('x'), { pauseMilliseconds: 0, attempts: 50, stallMilliseconds: 400 });
    expect(readFileSync(at('x'))).toEqual(content);
    answers = [(_, response) => void response.writeHead(200).flushHeaders()];
    await expect(
      download(`${base}/y`, at('y'), { ...quick, attempts: 1, stallMilliseconds: 400 }),
    ).rejects.toThrow('nothing came for 0.4 s');
  });

  it('from nobody says why', async () => {
    await expect(download('http://127.0.0.1:9/x', at('x'), quick)).rejects.toThrow(
      /^http:\/\/127\.0\.0\.1:9\/x: cannot be fetched \(.+\)/,
    );
  });
});

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');
const entryOf = (name: 'mnist', files: Readonly<Record<string, Buffer>>): SetEntry => ({
  ...catalog[name],
  files: Object.entries(files).map(([file, bytes]) => ({
    name: file,
    url: `${base}/publisher/${file}`,
    algorithm: 'md5',
    checksum: md5(bytes),
    bytes: bytes.length,
  })),
});

describe('adding a set', () => {
  const files = { 'a.bin': content, 'b.bin': content.subarray(0, 100) };
  const serve = (): Answer => (request, response) =>
    whole(files[request.url?.split('/').at(-1) as 'a.bin'])(request, response);
  const add = (changes: Partial<AddOptions> = {}) =>
    addDataSet('mnist', { ...quick, root, entry: entryOf('mnist', files), ...changes });
  const here = () => presentSet(entryOf('mnist', files), root);

  it('puts checked files and a manifest into the data folder, once', async () => {
    answers = [serve()];
    expect(here()).toBeNull();
    expect(await add()).toBe('added');
    expect(readdirSync(root)).toEqual(['mnist']);
    expect(readdirSync(join(root, 'mnist')).sort()).toEqual(['a.bin', 'b.bin', 'manifest.json']);
    expect(here()?.manifest.files.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['a.bin', 5000],
      ['b.bin', 100],
    ]);
    const asked = ranges.length;
    expect(await add()).toBe('present');
    expect(ranges).toHaveLength(asked);
  });

  it('asks a mirror at FOLDER/FILE', async () => {
    const asked: (string | undefined)[] = [];
    answers = [(request, response) => (asked.push(request.url), serve()(request, response))];
    await add({ mirror: `${base}/copies/` });
    expect(asked).toEqual(['/copies/mnist/a.bin', '/copies/mnist/b.bin']);
  });

  it('with a wrong checksum names the file and registers nothing', async () => {
    answers = [whole(Buffer.alloc(5000))];
    await expect(add()).rejects.toThrow(/^a\.bin: has the wrong checksum \(md5 [0-9a-f]{32}, published is/);
    expect(here()).toBeNull();
    expect(readdirSync(root)).toEqual(['.incoming-mnist']);
    expect(readdirSync(join(root, '.incoming-mnist'))).toEqual([]);
    answers = [serve()];
    expect(await add()).toBe('added');
  });

  it('fetches a file anew when the part that was continued was of something else', async () => {
    mkdirSync(join(root, '.incoming-mnist'), { recursive: true });
    writeFileSync(join(root, '.incoming-mnist', 'a.bin.part'), Buffer.alloc(500));
    const notices: string[] = [];
    answers = [serve()];
    expect(await add({ onNotice: (text) => notices.push(text) })).toBe('added');
    expect(notices).toEqual(['a.bin: the continued file is not right; fetching all of it again.']);
    expect(readFileSync(join(root, 'mnist', 'a.bin'))).toEqual(content);
  });

  it('keeps what has arrived when a later file cannot be had', async () => {
    answers = [
      (request, response) =>
        request.url!.endsWith('b.bin') ? status(404)(request, response) : serve()(request, response),
    ];
    await expect(add()).rejects.toThrow(`${base}/publisher/b.bin: the server says 404`);
    expect(here()).toBeNull();
    ranges = [];
    answers = [serve()];
    expect(await add()).toBe('added');
    expect(ranges).toHaveLength(1);
  });

  it('is done once by two at the same time', async () => {
    answers = [serve()];
    expect((await Promise.all([add(), add()])).sort()).toEqual(['added', 'present']);
    expect(ranges).toHaveLength(2);
  });

  it('replaces a set that has lost a file, and verify finds changed bytes', async () => {
    answers = [serve()];
    await add();
    rmSync(join(root, 'mnist', 'b.bin'));
    expect(here()).toBeNull();
    expect(await add()).toBe('added');
    expect(readdirSync(root)).toEqual(['mnist']);
    // The files are not MNIST's: against the catalog all are damaged.
    expect(await damagedFiles('mnist', root)).toEqual(catalog.mnist.files.map(({ name }) => name));
    await expect(damagedFiles('kmnist', root)).rejects.toThrow('surge data add kmnist');
  });

  it('needs room and a folder it may write', async () => {
    answers = [serve()];
    await expect(add({ freeBytes: () => Promise.resolve(10) })).rejects.toThrow(
      /needs .* for mnist, and .* are free/,
    );
    writeFileSync(join(folder, 'file'), '');
    await expect(add({ root: join(folder, 'file', 'data') })).rejects.toThrow(
      /the data folder cannot be written .*SURGE_DATA/,
    );
    if (process.getuid?.() !== 0) {
      mkdirSync(join(folder, 'locked'));
      chmodSync(join(folder, 'locked'), 0o500);
      await expect(add({ root: join(folder, 'locked') })).rejects.toThrow('cannot be written');
    }
    expect(ranges).toHaveLength(0);
  });
});

describe('the catalog', () => {
  it('has every name, with addresses and whole checksums', () => {
    for (const name of dataSetNames)
      for (const file of catalog[name].files) {
        expect(URL.canParse(file.url), file.url).toBe(true);
        expect(file.url.endsWith(`/${file.name}`)).toBe(true);
        expect(file.checksum).toMatch(file.algorithm === 'md5' ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{64}$/);
        expect(file.bytes).toBeGreaterThan(0);
      }
  });

  it('is named in experiment files', () => {
    const parse = (data: object, kind = 'cnn') =>
      specificationSchema.shape.workload.safeParse({ kind, data }).success;
    expect(parse({ source: 'set', name: 'fashion-mnist' })).toBe(true);
    expect(parse({ source: 'set', name: 'tiny-shakespeare' })).toBe(false);
    expect(parse({ source: 'set', name: 'tiny-shakespeare' }, 'gpt')).toBe(true);
  });

  it('lies where the environment says', () => {
    expect(dataFolder({ SURGE_DATA: '/data' })).toBe('/data');
    expect(dataFolder({ XDG_DATA_HOME: '/share' })).toBe('/share/surge-lab/data');
    expect(dataFolder({ XDG_DATA_HOME: 'share' })).toMatch(/\.local\/share\/surge-lab\/data$/);
  });
});

/** Registers files as `surge data add` would have. */
function register(name: keyof typeof catalog, files: Readonly<Record<string, Buffer>>): void {
  vi.stubEnv('SURGE_DATA', root);
  const target = join(root, catalog[name].folder);
  mkdirSync(target, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(target, file), bytes);
  const described = Object.entries(files).map(([file, bytes]) => ({ name: file, bytes: bytes.length }));
  writeFileSync(join(target, 'manifest.json'), JSON.stringify({ format: 1, added: 0, files: described }));
}

/** A tar archive of plain files, in the format of POSIX. */
function tarBytes(files: Readonly<Record<string, Buffer>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, bytes]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('0', 156);
    header.write('ustar\0', 257);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

describe('data of a set', () => {
  it('that is not there say how to fetch it', () => {
    vi.stubEnv('SURGE_DATA', root);
    expect(() => loadClassification({ source: 'set', name: 'fashion-mnist' }, 2)).toThrow(
      'fashion-mnist is not on this machine; fetch it with: surge data add fashion-mnist',
    );
  });

  it('of MNIST’s relatives have an evaluation part of their own', () => {
    const images = (n: number) =>
      gzipSync(
        idxBytes(
          [n, 2, 2],
          Array.from({ length: 4 * n }, (_, i) => i),
        ),
      );
    const labels = (n: number) =>
      gzipSync(
        idxBytes(
          [n],
          Array.from({ length: n }, (_, i) => i % 3),
        ),
      );
    register('kmnist', {
      'train-images-idx3-ubyte.gz': images(6),
      'train-labels-idx1-ubyte.gz': labels(6),
      't10k-images-idx3-ubyte.gz': images(4),
      't10k-labels-idx1-ubyte.gz': labels(4),
    });
    const data = loadClassification({ source: 'set', name: 'kmnist' }, 3);
    expect(data).toMatchObject({ trainingExamples: 6, evaluationExamples: 3, classes: 3, features: 4 });
    expect(() => loadClassification({ source: 'set', name: 'kmnist' }, 5)).toThrow(
      'evaluation.examples: 5 asked for, kmnist has 4',
    );
  });

  it('of CIFAR are planes of red, green and blue', () => {
    const record = (label: number[], shade: number) =>
      Buffer.concat([
        Buffer.from(label),
        Buffer.alloc(1024, shade),
        Buffer.alloc(1024, 0),
        Buffer.alloc(1024, 255),
      ]);
    register('cifar-100', {
      'cifar-100-binary.tar.gz': gzipSync(
        tarBytes({
          'cifar-100-binary/train.bin': Buffer.concat([record([9, 1], 51), record([9, 0], 102)]),
          'cifar-100-binary/test.bin': record([9, 1], 51),
        }),
      ),
    });
    const data = loadClassification({ source: 'set', name: 'cifar-100' }, 1);
    expect(data.image).toEqual({ channels: 3, height: 32, width: 32 });
    expect([...data.trainingLabels]).toEqual([1, 0]);
    expect([0, 3071, 3072].map((i) => data.trainingImages[i])).toEqual([51, 255, 102]);
    expect(data.evaluationImages[0]).toBeCloseTo(0.2);
    expect(data.evaluationImages[3071]).toBe(1);
    expect(() => cifarExamples([Buffer.alloc(100)], 1, 'cifar.bin')).toThrow(
      /^cifar\.bin: has a part of 100 bytes/,
    );
  });

  it('of EMNIST stand upright, and letters are counted from 0', () => {
    const packed = (bytes: Buffer) => gzipSync(bytes);
    const part = (split: string, n: number) => ({
      [`gzip/emnist-letters-${split}-images-idx3-ubyte.gz`]: packed(
        idxBytes(
          [n, 2, 2],
          Array.from({ length: 4 * n }, (_, i) => 51 * (i % 4)),
        ),
      ),
      [`gzip/emnist-letters-${split}-labels-idx1-ubyte.gz`]: packed(
        idxBytes(
          [n],
          Array.from({ length: n }, (_, i) => 1 + (i % 26)),
        ),
      ),
    });
    register('emnist-letters', { 'gzip.zip': zip({ ...part('train', 30), ...part('test', 26) }) });
    const data = loadClassification({ source: 'set', name: 'emnist-letters' }, 26);
    expect(data).toMatchObject({ classes: 26, trainingExamples: 30, evaluationExamples: 26 });
    expect([...data.trainingLabels.subarray(0, 3)]).toEqual([0, 1, 2]);
    // In the file: the first column, then the second.
    expect([...data.trainingImages.subarray(0, 4)].map((value) => Math.round(value * 5))).toEqual([
      0, 2, 1, 3,
    ]);
    expect(() => loadClassification({ source: 'set', name: 'emnist-digits' }, 1)).toThrow(
      /gzip\.zip: has no member gzip\/emnist-digits-train-images/,
    );
  });

  it('of a damaged archive name it', () => {
    const bytes = tarBytes({ 'a/b': Buffer.alloc(2000) });
    writeFileSync(at('short.tar'), bytes.subarray(0, 1000));
    expect(() => readTar(at('short.tar'))).toThrow(`${at('short.tar')}: ends inside a/b`);
    writeFileSync(at('no.tar'), Buffer.alloc(2048, 65));
    expect(() => readTar(at('no.tar'))).toThrow('is not a tar archive');
    writeFileSync(at('short.tar.gz'), gzipSync(bytes).subarray(0, 30));
    expect(() => readTar(at('short.tar.gz'))).toThrow(`${at('short.tar.gz')}: cannot be read`);
    expect([...readTar(write('whole.tar', bytes)).keys()]).toEqual(['a/b']);
  });

  it('of an archive with a wide directory, as more than 65,535 members need, are found', () => {
    const plain = zip({ a: Buffer.from('first'), b: Buffer.from('second') });
    const end = plain.length - 22;
    const wide = Buffer.alloc(56 + 20);
    wide.writeUInt32LE(0x06064b50, 0);
    wide.writeBigUInt64LE(2n, 32);
    wide.writeBigUInt64LE(BigInt(plain.readUInt32LE(end + 16)), 48);
    wide.writeUInt32LE(0x07064b50, 56);
    wide.writeBigUInt64LE(BigInt(end), 64);
    const last = Buffer.from(plain.subarray(end));
    last.writeUInt16LE(0xffff, 10);
    last.writeUInt32LE(0xffffffff, 16);
    const archive = openZip(Buffer.concat([plain.subarray(0, end), wide, last]), 'wide.zip');
    expect(archive.names).toEqual(['a', 'b']);
    expect(archive.read('b').toString()).toBe('second');
    wide.writeBigUInt64LE(10n ** 9n, 64);
    expect(() => openZip(Buffer.concat([plain.subarray(0, end), wide, last]), 'wide.zip')).toThrow(
      /^wide\.zip: there is no directory where its end says/,
    );
  });

  it('of a text are its bytes', () => {
    register('tiny-shakespeare', { 'input.txt': Buffer.from('to be or not to be, that is the question') });
    const data = loadTokens({ source: 'set', name: 'tiny-shakespeare' }, 4, 2);
    expect(data.vocabulary).toBe(256);
    expect(String.fromCharCode(...data.training.subarray(0, 5))).toBe('to be');
  });
});

function write(name: string, bytes: Buffer): string {
  writeFileSync(at(name), bytes);
  return at(name);
}
