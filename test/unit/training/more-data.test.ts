import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DataError } from '#main/training/data/classification.ts';
import { loadClassification } from '#main/training/data/load.ts';
import { markovEntropy, markovText } from '#main/training/data/markov-text.ts';
import { linearData, spirals, teacher } from '#main/training/data/procedural.ts';
import { loadTokens, readTokenFile } from '#main/training/data/text.ts';
import { tokenData } from '#main/training/data/tokens.ts';
import { zip } from '../../support/zip.ts';

const folder = mkdtempSync(join(tmpdir(), 'surge-more-data-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, bytes: Uint8Array | string) => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};
const failure = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as DataError).message;
  }
  return expect.fail('nothing was thrown');
};

/** A .npy file as numpy.save writes it. */
function npy(type: string, shape: readonly number[], values: ArrayBufferView): Buffer {
  const list = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${list}), }`;
  const header = `${text.padEnd(117)}\n`;
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(header.length, 8);
  return Buffer.concat([
    head,
    Buffer.from(header, 'latin1'),
    Buffer.from(values.buffer, values.byteOffset, values.byteLength),
  ]);
}

const pixels = Uint8Array.from({ length: 6 * 2 * 3 }, (_, i) => i * 7);
const classes = BigInt64Array.from([0n, 1n, 2n, 0n, 1n, 2n]);

describe('NumPy arrays', () => {
  it('of bytes are images in 0…1, of floats are taken as they are', () => {
    const labels = write('labels.npy', npy('<i8', [6], classes));
    const load = (file: string) => loadClassification({ source: 'numpy', images: file, labels }, 2);
    const bytes = load(write('bytes.npy', npy('|u1', [6, 2, 3], pixels)));
    expect(bytes.image).toEqual({ channels: 1, height: 2, width: 3 });
    expect(bytes.classes).toBe(3);
    expect(bytes.trainingExamples).toBe(4);
    const both = [...bytes.trainingImages, ...bytes.evaluationImages].sort((a, b) => a - b);
    expect(both).toEqual([...Float32Array.from(pixels, (value) => value / 255)]);
    const rows = load(
      write(
        'rows.npy',
        npy(
          '<f4',
          [6, 2],
          Float32Array.from({ length: 12 }, (_, i) => -i),
        ),
      ),
    );
    expect(rows.image).toBeNull();
    expect(Math.min(...rows.trainingImages, ...rows.evaluationImages)).toBe(-11);
  });

  it('are found in archives', () => {
    const archive = write(
      'all.npz',
      zip({ 'x.npy': npy('|u1', [6, 2, 3], pixels), 'y.npy': npy('<i8', [6], classes) }),
    );
    const data = loadClassification({ source: 'numpy', images: `${archive}#x`, labels: `${archive}#y` }, 2);
    expect(data.trainingExamples).toBe(4);
    expect(
      failure(() => loadClassification({ source: 'numpy', images: `${archive}#z`, labels: archive }, 2)),
    ).toBe(`${archive}#z: has no member z.npy; it has x.npy, y.npy`);
  });

  it('that are truncated, anywhere, name the file', () => {
    const whole = zip({ 'x.npy': npy('|u1', [6, 2, 3], pixels), 'y.npy': npy('<i8', [6], classes) });
    for (let length = 0; length < whole.length; length += 13) {
      const file = write('cut.npz', whole.subarray(0, length));
      const message = failure(() =>
        loadClassification({ source: 'numpy', images: `${file}#x`, labels: `${file}#y` }, 2),
      );
      expect(message).toContain(`${file}#`);
    }
    const array = npy('<i8', [6], classes);
    for (let length = 0; length < array.length; length += 13) {
      const file = write('cut.npy', array.subarray(0, length));
      expect(failure(() => loadClassification({ source: 'numpy', images: file, labels: file }, 2))).toContain(
        `${file}: `,
      );
    }
  });

  it('of unusable types, orders and values say so', () => {
    const images = write('good.npy', npy('|u1', [6, 2, 3], pixels));
    const told = (labels: Buffer) => {
      const file = write('bad.npy', labels);
      return failure(() => loadClassification({ source: 'numpy', images, labels: file }, 2)).replace(
        file,
        'FILE',
      );
    };
    expect(told(npy('|O', [6], classes))).toContain('FILE: holds values of type |O; these are read: |u1');
    const fortran = Buffer.from(
      npy('<i8', [6], classes).toString('latin1').replace('False', 'True '),
      'latin1',
    );
    expect(told(fortran)).toBe('FILE: is in Fortran order; save it with numpy.ascontiguousarray');
    expect(told(npy('<f8', [6], Float64Array.from([0, 1, 0.5, 0, 1, 0])))).toBe(
      'FILE: label 2 is 0.5; classes are whole numbers from 0',
    );
    expect(told(npy('<i8', [2, 3], classes))).toBe('FILE: labels must have one dimension, this array has 2');
    expect(told(npy('<i8', [5], classes.subarray(0, 5)))).toBe(
      `FILE: has 5 labels for the 6 rows of ${images}`,
    );
  });
});

describe('CSV tables', () => {
  // The last data set of a process is kept, so every text gets a file of its own.
  let files = 0;
  const load = (text: string) => {
    const file = write(`table${files++}.csv`, text);
    return loadClassification({ source: 'csv', file, label: 'y' }, 1);
  };
  it('have their class in any column', () => {
    const data = load('a,y,b\n1,0,2\n3,1,4\n5,2,6\n');
    expect([data.features, data.classes, data.trainingExamples]).toEqual([2, 3, 2]);
    expect(data.image).toBeNull();
    const all = [...data.trainingImages, ...data.evaluationImages].sort((a, b) => a - b);
    expect(all).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it.each([
    ['a,y\n1,0\n2\n', ':3: has 1 values where the header has 2 columns'],
    ['a,y\n1,0\nx,1\n', ':3 a: is "x", not a finite number'],
    ['a,y\n1,0\n,1\n', ':3 a: is "", not a finite number'],
    ['a,y\n1,0\n1,-1\n', ':3 y: is "-1"; classes are whole numbers from 0'],
    ['a,b\n1,0\n', ':1: has no column y; its columns are a, b'],
    ['y\n1\n', ':1: has no column but y'],
    ['', ': needs a header and at least one row'],
  ])('%j is refused with its place', (text, message) => {
    expect(failure(() => load(text)).replace(/^.*table\d+\.csv/, '')).toBe(message);
  });
});

describe('text', () => {
  it('of Moby Dick is the whole book in order', () => {
    const data = loadTokens({ source: 'moby-dick' }, 64, 500);
    const text = (tokens: Int32Array) => Buffer.from(tokens).toString('utf8');
    expect(data.vocabulary).toBe(256);
    expect(data.trainingSequences * 64).toBeGreaterThan(1_100_000);
    const start = text(data.training.subarray(0, 65));
    expect(start).toContain('ETYMOLOGY');
    expect(text(data.evaluation.slice(-65))).toContain('orphan');
    // The last target of a window is the first token of the next.
    expect(data.training[64]).toBe(data.training[65]);
  });

  it('is cut without overlap and without a held-out token in training', () => {
    const tokens = Int32Array.from({ length: 23 }, (_, i) => i);
    const data = tokenData({ name: 'numbers', vocabulary: 30, tokens, heldOut: null }, 4, 2);
    expect([...data.evaluation]).toEqual([14, 15, 16, 17, 18, 18, 19, 20, 21, 22]);
    expect(data.trainingSequences).toBe(3);
    expect([...data.training]).toEqual([0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12]);
    expect(() => tokenData({ name: 'numbers', vocabulary: 30, tokens, heldOut: null }, 4, 5)).toThrow(
      'evaluation.examples: 5 sequences of 4 tokens cannot be held out of numbers, which has 5; at least one must be left for training',
    );
  });

  it('of token files is read in both widths, and a wrong file says where', () => {
    const file = write('a.bin', new Uint8Array(Uint16Array.from([1, 2, 3, 300]).buffer));
    expect([...readTokenFile(file, 'uint16', 301)]).toEqual([1, 2, 3, 300]);
    expect(failure(() => readTokenFile(file, 'uint16', 300))).toBe(
      `${file}: token 3 (byte 6) is 300, but workload.data.vocabulary is 300`,
    );
    const wide = write('b.bin', new Uint8Array(Uint32Array.from([70_000, 1]).buffer));
    expect([...readTokenFile(wide, 'uint32', 70_001)]).toEqual([70_000, 1]);
    const odd = write('c.bin', Uint8Array.of(1, 0, 2));
    expect(failure(() => readTokenFile(odd, 'uint16', 10))).toBe(
      `${odd}: has 3 bytes, which is no whole number of uint16 tokens of 2 bytes`,
    );
    expect(failure(() => readTokenFile(write('d.bin', ''), 'uint16', 10))).toBe(
      `${join(folder, 'd.bin')}: is empty`,
    );
    expect(failure(() => readTokenFile(join(folder, 'none.bin'), 'uint16', 10))).toContain('cannot be read');
  });
});

describe('procedural data', () => {
  it('of a Markov chain has the transitions that its entropy is computed from', () => {
    expect(markovEntropy(8, 0, 1)).toBeCloseTo(Math.log(8), 10);
    expect(markovEntropy(8, 20, 1)).toBeLessThan(0.5);
    const [vocabulary, length] = [4, 200_000];
    const text = markovText(vocabulary, length, 2, 3);
    const counts = new Float64Array(vocabulary * vocabulary);
    for (let i = 1; i < length; i++) counts[text[i - 1] * vocabulary + text[i]]++;
    const conditional = Array.from(counts, (count, i) => {
      const from = Math.floor(i / vocabulary);
      const total = counts
        .subarray(from * vocabulary, (from + 1) * vocabulary)
        .reduce((sum, n) => sum + n, 0);
      return count === 0 ? 0 : -(count / (length - 1)) * Math.log(count / total);
    });
    const measured = conditional.reduce((sum, x) => sum + x, 0);
    expect(measured).toBeCloseTo(markovEntropy(vocabulary, 2, 3), 2);
  });

  it('of spirals lies on its arms without noise', () => {
    const { images, labels } = spirals(3, 300, 0, 5);
    labels.forEach((arm, i) => {
      const [x, y] = images.subarray(2 * i, 2 * i + 2);
      const radius = Math.hypot(x, y);
      const angle = 3 * Math.PI * radius + (2 * Math.PI * arm) / 3;
      expect(Math.cos(Math.atan2(y, x) - angle)).toBeCloseTo(1, 4);
    });
  });

  it('of a teacher has every class, and its noise is the share of labels that it changes', () => {
    const options = { features: 10, hidden: 8, classes: 3, examples: 3000, seed: 1 };
    const clean = teacher({ ...options, noise: 0 });
    const noisy = teacher({ ...options, noise: 0.3 });
    expect(new Set(clean.labels).size).toBe(3);
    expect(noisy.images).toEqual(clean.images);
    const changed = clean.labels.filter((label, i) => label !== noisy.labels[i]).length / 3000;
    // A label that is drawn anew keeps its class one time in three.
    expect(changed).toBeCloseTo(0.2, 1);
  });

  it('of linear regression has the spectrum asked for and holds out its end', () => {
    const { training, evaluation } = linearData(
      { features: 3, examples: 20_000, noise: 0.5, decay: 2, seed: 2 },
      100,
    );
    expect([training.targets.length, evaluation.targets.length]).toEqual([19_900, 100]);
    for (let f = 0; f < 3; f++) {
      let sum = 0;
      for (let i = f; i < training.inputs.length; i += 3) sum += training.inputs[i] ** 2;
      expect((sum / 19_900) * (f + 1) ** 2).toBeCloseTo(1, 1);
    }
  });
});

describe('byte pairs of GPT-2', () => {
  const decoder = createRequire(import.meta.url)('gpt-tokenizer/encoding/r50k_base') as {
    decode(tokens: Iterable<number>): string;
  };
  const text = 'Hello world, naïve η <|endoftext|>\r\n  Call me Ishmael. '.repeat(40);

  it('are read from a text and its own held-out part, and give it back', () => {
    const data = loadTokens(
      { source: 'text', file: write('a.txt', text), evaluationFile: write('b.txt', text), tokenizer: 'gpt2' },
      16,
      3,
    );
    expect(data.vocabulary).toBe(50_257);
    // "Hello world," as GPT-2 has it.
    expect([...data.training.slice(0, 3)]).toEqual([15496, 995, 11]);
    const windows = Array.from({ length: data.trainingSequences }, (_, w) =>
      data.training.slice(w * 17, w * 17 + 16),
    );
    const back = decoder.decode(windows.flatMap((window) => [...window]));
    expect(text.startsWith(back)).toBe(true);
    expect(back.length).toBeGreaterThan(text.length / 2);
    expect(data.evaluation.every((token) => token >= 0 && token < 50_256)).toBe(true);
  });

  it('of the same text are other data than its bytes', () => {
    const of = (tokenizer?: 'gpt2') => loadTokens({ source: 'moby-dick', tokenizer }, 64, 20);
    const [bytes, pairs] = [of(), of('gpt2')];
    expect([bytes.vocabulary, pairs.vocabulary]).toEqual([256, 50_257]);
    expect(pairs.checksum).not.toBe(bytes.checksum);
    // About four bytes a pair, as of any English prose.
    expect(bytes.trainingSequences / pairs.trainingSequences).toBeGreaterThan(3);
  });

  it('of what is no UTF-8 are refused, naming the file', () => {
    const file = write('latin1.txt', Buffer.from('na\xefve'.repeat(100), 'latin1'));
    expect(failure(() => loadTokens({ source: 'text', file, tokenizer: 'gpt2' }, 4, 1))).toContain(
      `${file}: is not UTF-8 text`,
    );
  });

  it('of a very long word do not hang', () => {
    const file = write('long.txt', 'ab'.repeat(20_000));
    expect(loadTokens({ source: 'text', file, tokenizer: 'gpt2' }, 4, 1).trainingSequences).toBeGreaterThan(
      1,
    );
  });
});
