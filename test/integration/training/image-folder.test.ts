/** Images of a folder through the real decoder, in its own process, and into training. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { buildStack } from '#main/training/build-stack.ts';
import { engineCacheFolder } from '#main/setup/platform.ts';
import { eagerBackend } from '#main/training/engine/eager-backend.ts';
import { loadClassification } from '#main/training/data/load.ts';
import { readImages } from '#main/training/data/images/read.ts';
import { describeWithEngine, engine, optimizers } from '../../support/engine.ts';
import { zip } from '../../support/zip.ts';

describeWithEngine('images of a folder', () => {
  const root = mkdtempSync(join(tmpdir(), 'surge-folder-'));
  const sets = mkdtempSync(join(tmpdir(), 'surge-folder-sets-'));
  const decoded = join(dirname(engineCacheFolder()), 'images');
  const namesOf = () => (existsSync(decoded) ? readdirSync(decoded) : []);
  const before = new Set(namesOf());
  afterAll(() => {
    vi.unstubAllEnvs();
    for (const name of namesOf())
      if (
        !before.has(name) &&
        [root, 'tiny-imagenet-200.zip'].some((from) => name.startsWith(basename(from)))
      )
        rmSync(join(decoded, name));
    for (const folder of [root, sets]) rmSync(folder, { recursive: true, force: true });
  });

  /** A PNG of height 6 and width 8: red grows to the right, green downwards, blue is the shade. */
  async function png(path: string, shade: number, size: readonly [number, number] = [6, 8]): Promise<void> {
    const [height, width] = size;
    const values = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
      const pixel = Math.floor(i / 3);
      return [30 * (pixel % width), 30 * Math.floor(pixel / width), shade][i % 3];
    });
    const { tf } = engine();
    const tensor = tf.tensor3d(values, [height, width, 3], 'int32');
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), await tf.node.encodePng(tensor));
    tensor.dispose();
  }

  beforeAll(async () => {
    const { tf } = engine();
    for (const [c, shade] of [
      ['cat', 40],
      ['dog', 200],
    ] as const)
      for (let i = 0; i < 6; i++) await png(`train/${c}/${i}.png`, shade + i);
    for (let i = 0; i < 2; i++) await png(`val/dog/${i}.png`, 210 + i);
    await png('val/cat/0.png', 50);
    const flat = tf.tensor3d(new Uint8Array(144).fill(100), [6, 8, 3], 'int32');
    writeFileSync(join(root, 'train/cat/flat.jpg'), await tf.node.encodeJpeg(flat, 'rgb', 100));
    flat.dispose();
  });

  it('are decoded exactly, once, in the order of their names', () => {
    const read = () => readImages({ root, color: 'rgb' });
    const { training, evaluation } = read();
    expect(training.image).toEqual({ channels: 3, height: 6, width: 8 });
    expect([...training.labels]).toEqual([...Array<number>(7).fill(0), ...Array<number>(6).fill(1)]);
    expect([...evaluation!.labels]).toEqual([0, 1, 1]);
    const image = (i: number) => training.images.subarray(i * 144, (i + 1) * 144);
    expect([...image(2).subarray(0, 10)]).toEqual([0, 30, 60, 90, 120, 150, 180, 210, 0, 30]);
    expect(image(2)[48 + 8]).toBe(30);
    expect(new Set(image(2).subarray(96))).toEqual(new Set([42]));
    // JPEG is not exact; a flat image of quality 100 nearly is.
    expect(Math.max(...[...image(6)].map((value) => Math.abs(value - 100)))).toBeLessThanOrEqual(2);
    const kept = () => namesOf().filter((name) => name.startsWith(basename(root)));
    const written = (name: string) => statSync(join(decoded, name)).mtimeMs;
    const [file, ...others] = kept();
    expect(others).toEqual([]);
    const time = written(file);
    expect(read().training.images).toEqual(training.images);
    expect(kept()).toEqual([file]);
    expect(written(file)).toBe(time);
  });

  it('can be gray and of another size', () => {
    const { training } = readImages({ root, color: 'gray', size: 3 });
    expect(training.image).toEqual({ channels: 1, height: 3, width: 3 });
    const first = training.images.subarray(0, 9);
    // Half the size, columns 0 to 5: around column 2.5 and row 2.5 both red and green are 75.
    const middle = 0.299 * 75 + 0.587 * 75 + 0.114 * 40;
    expect(Math.abs(first[4] - middle)).toBeLessThanOrEqual(2);
  });

  it('train as bytes on the device', async () => {
    const { tf } = engine();
    const data = { source: 'folder', folder: root, color: 'rgb' } as const;
    const loaded = loadClassification(data, 3);
    expect(loaded).toMatchObject({ trainingExamples: 13, evaluationExamples: 3, classes: 2, features: 144 });
    expect(loaded.trainingImages).toBeInstanceOf(Uint8Array);
    expect(loaded.evaluationImages.every((value) => value >= 0 && value <= 1)).toBe(true);
    const stack = buildStack(tf, {
      workload: { kind: 'mlp', hidden: [], activation: 'relu', data },
      optimizer: optimizers.adam,
      batchSize: 8,
      learningRates: [0.01],
      seeds: [0],
      evaluationExamples: 3,
      streams: 'common',
    });
    expect(stack.program.resident[0]).toMatchObject({ dtype: 'int32', shape: [13, 36] });
    const session = await eagerBackend(tf).open(stack.program, stack.cellLearningRates, 60);
    session.setState(stack.initialState());
    session.train({ steps: 60, perStep: stack.inputs(0, 60) });
    const [, accuracy] = session.evaluate();
    session.dispose();
    expect(accuracy[0]).toBe(1);
  });

  it('of Tiny ImageNet come out of its archive', () => {
    const image = readFileSync(join(root, 'train/dog/0.png'));
    const members = {
      'train/n02/images/n02_0.JPEG': image,
      'train/n01/images/n01_0.JPEG': image,
      'val/images/val_0.JPEG': image,
      'val/val_annotations.txt': Buffer.from('val_0.JPEG\tn02\t0\t0\t7\t7\n'),
    };
    const archive = zip(
      Object.fromEntries(
        Object.entries(members).map(([path, bytes]) => [`tiny-imagenet-200/${path}`, bytes]),
      ),
    );
    const file = { name: 'tiny-imagenet-200.zip', bytes: archive.length };
    mkdirSync(join(sets, 'tiny-imagenet'));
    writeFileSync(join(sets, 'tiny-imagenet', file.name), archive);
    const manifest = { format: 1, added: 0, files: [file] };
    writeFileSync(join(sets, 'tiny-imagenet', 'manifest.json'), JSON.stringify(manifest));
    vi.stubEnv('SURGE_DATA', sets);
    const data = loadClassification({ source: 'set', name: 'tiny-imagenet' }, 1);
    expect(data).toMatchObject({ classes: 2, trainingExamples: 2, features: 144 });
    expect([...data.evaluationLabels]).toEqual([1]);
    expect(data.trainingImages[96]).toBe(200);
  });

  it('that are broken or of several sizes are named', async () => {
    const read = () => readImages({ root, color: 'rgb' });
    await png('train/dog/7.png', 1, [5, 8]);
    expect(read).toThrow(
      `${join(root, 'train/dog/7.png')}: has 5 × 8 pixels, ${join(root, 'train/cat/0.png')} has 6 × 8; give workload.data.size`,
    );
    rmSync(join(root, 'train/dog/7.png'));
    writeFileSync(join(root, 'train/dog/bad.png'), 'not an image');
    expect(read).toThrow(`${join(root, 'train/dog/bad.png')}: is not an image that can be decoded`);
    rmSync(join(root, 'train/dog/bad.png'));
    const jpeg = join(root, 'train/cat/flat.jpg');
    truncateSync(jpeg, Math.floor(statSync(jpeg).size / 2));
    expect(read).toThrow(`${jpeg}: is not an image that can be decoded`);
    // Nothing half decoded is kept.
    expect(namesOf().filter((name) => name.startsWith(basename(root)) && !name.endsWith('.pixels'))).toEqual(
      [],
    );
  });
});
