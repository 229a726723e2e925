/** surge import as a user runs it: stored once, all or nothing, and every bad file told in words. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSurge, surge, surgeJson, temporaryFolder } from '../../support/cli.ts';
import { eventFile, record, event } from '../../support/event-files.ts';
import { describeWithReference } from '../../support/reference.ts';
import { dump } from '../../support/store.ts';

const BAD_INPUT = 2;
const folder = temporaryFolder();
afterAll(() => folder.remove());

let files = 0;
function write(content: string | Uint8Array, ending = 'csv'): string {
  const file = folder.file(`sweep-${++files}.${ending}`);
  writeFileSync(file, content);
  return file;
}

const finalMap = write('columns: { learningRate: lr, batchSize: bs, loss: loss }\n', 'yaml');
const curveMap = write(
  'columns: { learningRate: lr, batchSize: bs, loss: loss, seed: seed, step: step }\n',
  'yaml',
);
const batchSizes = [8, 16, 32, 64, 128];
const rates = [0.01, 0.02, 0.04, 0.08, 0.16];

/** Final losses with their lowest at rate 0.02 for small and 0.08 for large batch sizes. */
function finals(separator = ',', end = '\n', number: (x: number) => string = String): string {
  const rows = batchSizes.flatMap((bs, b) =>
    rates.map((lr, r) => [number(lr), String(bs), number(1 + (r - 1 - b / 2) ** 2 / 10)].join(separator)),
  );
  return [['lr', 'bs', 'loss'].join(separator), ...rows, ''].join(end);
}

function curves(): string {
  const lines = ['lr,bs,seed,step,loss'];
  for (const [b, bs] of batchSizes.entries())
    for (const [r, lr] of rates.entries())
      for (const seed of [0, 1, 2])
        for (const step of [1, 2, 5, 10, 20, 50, 100])
          lines.push(`${lr},${bs},${seed},${step},${5 / step + (r - 1 - b / 2) ** 2 / 10 + seed / 1000}`);
  return lines.join('\n');
}

describe('a file of final losses', () => {
  const store = folder.file('finals.surge');
  const file = write(finals());

  beforeAll(async () => {
    const { code, stdout } = await surge([
      'import',
      file,
      '--map',
      finalMap,
      '--name',
      'others',
      '--store',
      store,
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('25 rows read, 25 kept, 0 dropped.');
    expect(stdout).toMatch(/Stored as 1 experiment in .*finals\.surge:\n\w{8} {2}others\n$/);
  });

  test('is stored once', async () => {
    const before = dump(store);
    const { code, value } = await surgeJson(['import', file, '--map', finalMap, '--store', store]);
    expect(code).toBe(0);
    expect(value).toMatchObject({ stored: { isNew: false, experiments: [{ name: 'others' }] } });
    expect(dump(store)).toEqual(before);
  });

  test('has its list, state, details, ridge and laws', async () => {
    expect((await surge(['list', '--store', store])).stdout).toMatch(/others +imported +25 +25/);
    const { value: status } = await surgeJson(['status', 'others', '--store', store]);
    expect(status).toMatchObject({ state: 'complete', cells: 25, counts: { done: 25 } });
    expect((await surge(['show', 'others', '--store', store])).stdout).toMatch(
      /imported from sweep-\d+\.csv/,
    );
    const { value: ridge } = await surgeJson(['ridge', 'others', '--store', store]);
    const points = (ridge as { points: { batchSize: number; learningRate: number }[] }).points;
    expect(points.map((p) => p.batchSize)).toEqual(batchSizes);
    points.forEach((p, b) => expect(p.learningRate).toBeCloseTo(0.01 * 2 ** (1 + b / 2), 9));
    const { value: laws } = await surgeJson(['laws', 'others', '--store', store]);
    expect(laws).toMatchObject({ verdict: { sentence: expect.stringMatching(/./) as string } });
  });

  test('is drawn and taken out', async () => {
    const out = folder.file('finals-out');
    const { code, stderr } = await surge(['figure', 'others', '--store', store, '--out', out]);
    expect(code, stderr).toBe(0);
    expect(readdirSync(out).sort()).toEqual(
      ['heat-map.csv', 'heat-map.svg', 'losses.csv', 'losses.svg'].map((name) => `others-${name}`),
    );
    expect(readFileSync(join(out, 'others-losses.svg'), 'utf8')).not.toContain('step 1<');
    expect((await surge(['export', 'others', '--store', store, '--out', out])).code).toBe(0);
    expect(readFileSync(join(out, 'cells.csv'), 'utf8').split('\n')[1]).toBe('8,0.01,0.01,,,,1.1,,,,,2');
  });

  test('says in one sentence what it has no curves for', async () => {
    const refused = [
      ['migrate', 'others'],
      ['protocol', 'paper', 'others'],
      ['ridge', 'others', '--loss', '1'],
      ['figure', 'others', '--kind', 'migration', '--out', folder.file('nothing')],
      ['refine', 'others', folder.file('finer.yaml')],
      ['resume', 'others'],
    ];
    for (const args of refused) {
      const { code, stdout, stderr } = await surge([...args, '--store', store]);
      expect(code, args.join(' ')).toBe(BAD_INPUT);
      expect(stdout).toBe('');
      expect(stderr, args.join(' ')).toMatch(/^"others" was imported[^\n]*\.\n$/);
    }
    expect(existsSync(folder.file('nothing'))).toBe(false);
  });
});

describe('a file of curves with seeds', () => {
  const store = folder.file('curves.surge');

  beforeAll(async () => {
    expect(
      (await surge(['import', write(curves()), '--map', curveMap, '--name', 'curves', '--store', store]))
        .code,
    ).toBe(0);
  });

  test('has ridges with intervals, migration and the paper protocol', async () => {
    const { value } = await surgeJson(['ridge', 'curves', '--step', '50', '--store', store]);
    const { points } = value as {
      points: { learningRate: number; interval: object | null; seeds: number }[];
    };
    points.forEach((p, b) => {
      expect(p.learningRate).toBeCloseTo(0.01 * 2 ** (1 + b / 2), 6);
      expect(p).toMatchObject({ seeds: 3, interval: { low: expect.any(Number) as number } });
    });
    for (const args of [
      ['migrate', 'curves'],
      ['protocol', 'paper', 'curves', '--target', '1', '--k', '10'],
      ['laws', 'curves'],
    ])
      expect((await surge([...args, '--store', store])).code, args.join(' ')).toBe(0);
  });

  test('comes back from a rebuild, and goes when it is deleted', async () => {
    const before = dump(store);
    const { code, stderr } = await surge(['doctor', '--rebuild', '--store', store]);
    expect(code, stderr).toBe(0);
    expect(dump(store)).toEqual(before);
    expect((await surge(['delete', 'curves', '--store', store])).code).toBe(BAD_INPUT);
    expect((await surge(['delete', 'curves', '--yes', '--store', store])).code).toBe(0);
    expect(dump(store)).toMatchObject({
      experiments: [],
      imports: [],
      importedFamilies: [],
      importedCells: [],
    });
    expect(readdirSync(`${store}.spool`)).toEqual(['lab.jsonl']);
  });
});

test('a dry run reports and makes no store', async () => {
  const store = folder.file('dry.surge');
  const { code, stdout } = await surge([
    'import',
    write(finals()),
    '--map',
    finalMap,
    '--dry-run',
    '--store',
    store,
  ]);
  expect(code).toBe(0);
  expect(stdout).toContain('Dry run: nothing was stored.');
  expect(existsSync(store)).toBe(false);
  expect(existsSync(`${store}.spool`)).toBe(false);
});

describe('hazards', () => {
  const store = folder.file('hazards.surge');
  beforeAll(async () => {
    expect((await surge(['import', write(finals()), '--map', finalMap, '--store', store])).code).toBe(0);
  });

  const unitMap = write(
    'columns: { learningRate: lr, batchSize: bs, loss: loss }\nbatch: { unitColumn: unit }\n',
    'yaml',
  );
  test.each<[string, string | Uint8Array, RegExp, string?]>([
    ['empty', '', /The file is empty\. Nothing was imported\./],
    ['one column', 'loss\n1\n', /only one column.* Nothing was imported\./],
    ['no rows', 'lr,bs,loss\n', /a header but no rows/],
    [
      'a column that is not there',
      'lr,batch,loss\n1,2,3\n',
      /no column "bs"\. Its columns are "lr", "batch", "loss"/,
    ],
    [
      'text in every number',
      'lr,bs,loss\nfast,big,low\n',
      /Line 2: None of the 1 rows can be used.*"bs" is not a number/,
    ],
    [
      'mixed units',
      'lr,bs,loss,unit\n1,2,3,tokens\n1,2,3,samples\n',
      /Line 3: .*mixed units: "tokens" \(line 2\), "samples" \(line 3\)/,
      unitMap,
    ],
    ['binary junk', Buffer.from('89504e470d0a1a0a0000000d', 'hex'), /not a text file/],
    ['junk late in the file', `${finals()}\u0000\u0000\u0000`, /Line 27: this is not a text file/],
    ['an open quote', 'lr,bs,loss\n"1,2,3\n', /Line 2: a quote opens here and is never closed/],
  ])('%s: a clear refusal, the store unchanged', async (_, content, message, map = finalMap) => {
    const before = dump(store);
    const { code, stdout, stderr } = await surge(['import', write(content), '--map', map, '--store', store]);
    expect(code).toBe(BAD_INPUT);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(dump(store)).toEqual(before);
    expect(readdirSync(`${store}.spool`).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  test.each<[string, string, string[]]>([
    ['CRLF', finals(',', '\r\n'), []],
    ['a byte-order mark', `\ufeff${finals()}`, []],
    ['CR', finals(',', '\r'), []],
    ['decimal commas', finals(';', '\n', (x) => String(x).replace('.', ',')), ['decimalComma: true']],
  ])('%s: the same numbers', async (name, content, more) => {
    const map = write([readFileSync(finalMap, 'utf8'), ...more].join(''), 'yaml');
    const { code, value } = await surgeJson([
      'import',
      write(content),
      '--map',
      map,
      '--name',
      name,
      '--store',
      store,
    ]);
    expect(code).toBe(0);
    expect(value).toMatchObject({ report: { rowsRead: 25, rowsKept: 25 }, stored: { isNew: true } });
    const ridge = async (which: string) =>
      (await surgeJson(['ridge', which, '--store', store])).value as { points: object[] };
    expect((await ridge(name)).points).toEqual((await ridge(firstName())).points);
  });

  /** The file that this store began with. */
  function firstName(): string {
    return (dump(store).experiments[0] as { name: string }).name;
  }

  test('duplicates and rows that cannot be read are told with their lines', async () => {
    const text = `${finals()}0.01,8,9\n0.01,eight,1\n0.01,8\n`;
    const { code, stdout } = await surge(['import', write(text), '--map', finalMap, '--store', store]);
    expect(code).toBe(0);
    expect(stdout).toContain('28 rows read, 25 kept, 3 dropped.');
    expect(stdout).toContain(
      'Duplicate: line 27 repeats batch size 8, learning rate 0.01 of line 2 with other numbers; the first is kept.',
    );
    expect(stdout).toContain('Dropped 1: "bs" is not a number (line 28).');
    expect(stdout).toContain('Dropped 1: row has 2 fields where the header has 3 (line 29).');
  });

  test('a missing file, preset or mapping, and a folder without events, are told', async () => {
    const empty = folder.file('empty-folder');
    mkdirSync(empty, { recursive: true });
    const file = write(finals());
    const cases: [string[], RegExp][] = [
      [[folder.file('nowhere.csv')], /there is no such file/],
      [[file], /No preset knows the file name.*--map FILE/],
      [[file, '--preset', 'nothing'], /There is no preset nothing.*tensorboard/],
      [[file, '--map', write('columns: { loss: x }\n', 'yaml')], /columns\.batchSize/],
      [[file, '--map', write('- 1\n', 'yaml')], /a mapping is an object/],
      [[empty], /has no event files/],
      [[empty, '--preset', 'wandb-runs'], /is a folder/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await surge(['import', ...args, '--store', store]);
      expect(code, args.join(' ')).toBe(BAD_INPUT);
      expect(stderr).toMatch(message);
    }
  });
});

describe('TensorBoard folders', () => {
  const losses = (lr: number, bs: number) =>
    [10, 20, 40].map((step) => ({
      tag: 'val/loss',
      step,
      value: 5 / step + Math.log(lr / 0.04 / Math.sqrt(bs / 16)) ** 2,
      encoding: step === 20 ? ('floats' as const) : ('simple' as const),
    }));
  const others = [{ tag: 'accuracy', step: 10, value: 0.5 }];

  function runs(name: string): string {
    const root = folder.file(name);
    for (const bs of [8, 16, 32])
      for (const lr of rates) {
        const run = join(root, `lr=${lr},bs=${bs},seed=0`);
        mkdirSync(run, { recursive: true });
        writeFileSync(join(run, 'events.out.tfevents.1.host'), eventFile([...losses(lr, bs), ...others]));
      }
    return root;
  }
  const pattern = ['--pattern', 'lr={learningRate},bs={batchSize},seed={seed}', '--metric', 'val/loss'];

  test('are curves of an experiment', async () => {
    const store = folder.file('tensorboard.surge');
    const root = runs('runs');
    const { code, value, stderr } = await surgeJson(['import', root, ...pattern, '--store', store]);
    expect(code, stderr).toBe(0);
    expect(value).toMatchObject({ report: { rowsRead: 45, rowsKept: 45, notes: [] } });
    const { value: ridge } = await surgeJson(['ridge', 'runs', '--step', '40', '--store', store]);
    (ridge as { points: { learningRate: number }[] }).points.forEach((p, b) =>
      expect(p.learningRate / (0.04 * Math.sqrt(2 ** (b - 1)))).toBeCloseTo(1, 4),
    );
    const again = await surgeJson(['import', root, ...pattern, '--store', store]);
    expect(again.value).toMatchObject({ stored: { isNew: false } });
    const several = await surge(['import', root, ...pattern.slice(0, 2), '--store', store]);
    expect(several).toMatchObject({ code: BAD_INPUT, stdout: '' });
    expect(several.stderr).toMatch(/Choose the tag that is the loss.*"val\/loss", "accuracy"/);
  });

  test('that are cut off, damaged or of other names are read as far as they go', async () => {
    const root = runs('damaged');
    const file = (lr: number, bs: number) =>
      join(root, `lr=${lr},bs=${bs},seed=0`, 'events.out.tfevents.1.host');
    const whole = readFileSync(file(0.01, 8));
    writeFileSync(file(0.01, 8), whole.subarray(0, whole.length - 3));
    const damaged = Buffer.from(readFileSync(file(0.02, 8)));
    damaged[damaged.length - record(event(others[0])).length - 5] ^= 1;
    writeFileSync(file(0.02, 8), damaged);
    writeFileSync(file(0.04, 8), 'no event file');
    const stranger = join(root, 'notes', 'events.out.tfevents.2.host');
    mkdirSync(dirname(stranger));
    writeFileSync(stranger, eventFile(losses(1, 1)));
    const { code, stdout } = await surge(['import', root, ...pattern, '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toContain('43 rows read, 41 kept, 2 dropped.');
    expect(stdout).toContain('a wrong checksum in lr=0.02,bs=8,seed=0/events.out.tfevents.1.host');
    expect(stdout).toContain(
      'a damaged length: the rest of lr=0.04,bs=8,seed=0/events.out.tfevents.1.host cannot be read',
    );
    expect(stdout).toContain('1 event files end within a record');
    expect(stdout).toContain('1 runs were left out');
  });

  test('take their settings from a file beside the events', async () => {
    const root = folder.file('settings');
    for (const [i, lr] of rates.entries())
      for (const bs of [8, 16, 32]) {
        const run = join(root, `run-${i}-${bs}`);
        mkdirSync(run, { recursive: true });
        writeFileSync(join(run, 'events.out.tfevents.1.host'), eventFile(losses(lr, bs)));
        if (bs === 8) writeFileSync(join(run, 'hparams.json'), JSON.stringify({ optimizer: { lr }, bs }));
        else writeFileSync(join(run, 'config.yaml'), `optimizer:\n  lr: ${lr}\nbs: ${bs}\n`);
      }
    const map = write('columns: { learningRate: optimizer.lr, batchSize: bs }\n', 'yaml');
    const { code, value, stderr } = await surgeJson(['import', root, '--map', map, '--dry-run']);
    expect(code, stderr).toBe(0);
    expect(value).toMatchObject({ report: { rowsRead: 45, rowsKept: 45 }, families: [] });
  });
});

describe('W&B exports', () => {
  test('a chart by its pattern, a run table by its preset', async () => {
    const store = folder.file('wandb.surge');
    const names = [8, 16, 32].flatMap((bs) => rates.map((lr) => ({ bs, lr, run: `lr=${lr},bs=${bs}` })));
    const header = [
      'Step',
      ...names.flatMap(({ run }) => ['', '__MIN', '__MAX'].map((end) => `${run} - loss${end}`)),
    ];
    const row = (step: number) => [
      step,
      ...names.flatMap(({ lr, bs }) => {
        const loss = 5 / step + Math.log(lr / 0.04 / Math.sqrt(bs / 16)) ** 2;
        return [loss, loss - 1, loss + 1];
      }),
    ];
    const chart = [header, row(10), row(20)]
      .map((cells) => cells.map((cell) => `"${cell}"`).join(','))
      .join('\n');
    const args = [
      '--preset',
      'wandb-chart',
      '--pattern',
      'lr={learningRate},bs={batchSize}',
      '--store',
      store,
    ];
    const { value } = await surgeJson(['import', write(chart), '--name', 'chart', ...args]);
    expect(value).toMatchObject({ report: { rowsRead: 30, rowsKept: 30 } });
    const table = [
      'Name,State,lr,batch_size,loss',
      ...names.map(({ run, lr, bs }) => `"${run}",finished,${lr},${bs},${Math.log(lr / 0.04) ** 2}`),
      'bad,crashed,0.32,8,',
    ].join('\n');
    const runs = await surgeJson(['import', write(table), '--preset', 'wandb-runs', '--store', store]);
    expect(runs.value).toMatchObject({ report: { rowsKept: 16, failed: [{ reason: 'crashed', count: 1 }] } });
  });
});

/** A sweep of curves with columns that nobody needs: about 270 bytes a row. Returns its kept rows. */
function generate(file: string, megabytes: number): number {
  const descriptor = openSync(file, 'w');
  const cells = [16, 32, 64, 128].flatMap((bs) =>
    rates.flatMap((lr) => [0, 1].map((seed) => ({ bs, lr, seed }))),
  );
  let text = 'run,lr,bs,seed,step,loss,note\n';
  let rows = 0;
  let written = 0;
  for (let step = 10; written < megabytes * 1e6; step += 10) {
    for (const { bs, lr, seed } of cells) {
      const loss = 2 + 5 / Math.sqrt(step) + Math.log(lr / 0.04) ** 2 / 100 + seed / 1000;
      text += `run-${bs}-${lr}-${seed},${lr},${bs},${seed},${step},${loss},${'unneeded '.repeat(24)}\n`;
      rows++;
    }
    if (text.length < 1e6) continue;
    written += writeSync(descriptor, text);
    text = '';
  }
  writeSync(descriptor, text);
  closeSync(descriptor);
  return rows;
}

describe('large files', () => {
  /** Imports and returns the most memory that the process ever held, as the kernel counts it. */
  async function peakBytes(
    args: readonly string[],
  ): Promise<{ peak: number; code: number | null; stdout: string }> {
    const { child, finished } = startSurge(args);
    let peak = 0;
    const timer = setInterval(() => {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
        peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024);
      } catch {
        // It has just ended.
      }
    }, 20);
    const { code, stdout } = await finished;
    clearInterval(timer);
    return { peak, code, stdout };
  }

  const sizes = process.env.SURGE_TEST_LARGE === '1' ? [20, 200] : [20];
  test.runIf(process.platform === 'linux').each(sizes)(
    'of %i MB stream in less than 300 MB',
    async (megabytes) => {
      const file = folder.file(`large-${megabytes}.csv`);
      const rows = generate(file, megabytes);
      expect(statSync(file).size).toBeGreaterThan(megabytes * 1e6);
      const store = folder.file(`large-${megabytes}.surge`);
      const { peak, code, stdout } = await peakBytes(['import', file, '--map', curveMap, '--store', store]);
      expect(code).toBe(0);
      expect(stdout).toContain(`${rows} rows read, ${rows} kept, 0 dropped.`);
      console.log(`${megabytes} MB, ${rows} rows: ${(peak / 1e6).toFixed(0)} MB held`);
      expect(peak).toBeGreaterThan(0);
      expect(peak).toBeLessThan(300e6);
    },
  );

  test('killed at any moment leave the store as it was, or have been stored whole', async () => {
    const file = folder.file('killed.csv');
    const rows = generate(file, 10);
    const store = folder.file('killed.surge');
    expect(
      (await surge(['import', write(finals()), '--map', finalMap, '--name', 'first', '--store', store])).code,
    ).toBe(0);
    const before = dump(store);
    const importInto = (target: string) =>
      ['import', file].concat(['--map', curveMap, '--name', 'killed', '--store', target]);
    const args = importInto(store);
    const started = performance.now();
    expect((await surge(importInto(folder.file('not-killed.surge')))).code).toBe(0);
    const whole = performance.now() - started;
    let killed = 0;
    for (const part of [0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]) {
      const { child, finished } = startSurge(args);
      const ended = await Promise.race([finished.then(() => true), setTimeout(part * whole, false)]);
      child.kill('SIGKILL');
      await finished;
      if (ended) break;
      killed++;
      // The journal is ahead of the database: what it has is applied when the store is opened for writing.
      expect((await surge(['archive', 'first', '--undo', '--store', store])).code).toBe(0);
      const after = dump(store);
      if (after.imports.length > before.imports.length) break;
      for (const table of ['experiments', 'importedFamilies', 'importedCells'])
        expect(after[table], `killed after ${part} of the time that it takes`).toEqual(before[table]);
    }
    expect(killed).toBeGreaterThan(0);
    expect((await surge(args)).code).toBe(0);
    const database = new SqliteDatabase(store, { readonly: true });
    const points = database.prepare('SELECT sum(points) FROM imported_cells').pluck().get();
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    database.close();
    expect(points).toBe(rows);
    expect(readdirSync(`${store}.spool`).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });
});

describeWithReference('published sweeps', (reference) => {
  test('are stored, and the stored ridge is the published one', async () => {
    const store = folder.file('published.surge');
    const file = `${reference}/data/steplaw_dense_lr_bs_loss.csv`;
    expect((await surge(['import', file, '--name', 'steplaw', '--store', store])).code).toBe(0);
    const { value } = await surgeJson(['ridge', 'steplaw', '--store', store]);
    const families = (value as { families: { points: { batchSize: number; learningRate: number }[] }[] })
      .families;
    expect(families).toHaveLength(17);
    const [head, ...rows] = readFileSync(`${reference}/data/reference_steplaw_dense_optima.csv`, 'utf8')
      .trim()
      .split('\n');
    expect(rows).toHaveLength(170);
    const column = head.split(',').findIndex((name) => /lr/i.test(name) && /opt/i.test(name));
    expect(column).toBeGreaterThan(-1);
    const published = rows.map((row) => Number(row.split(',')[column])).sort((a, b) => a - b);
    const stored = families.flatMap(({ points }) => points.map((p) => p.learningRate)).sort((a, b) => a - b);
    stored.forEach((rate, i) => expect(rate / published[i]).toBeCloseTo(1, 6));
  });

  test('count the failures of the random search, and say why it has no grid', async () => {
    const store = folder.file('opda.surge');
    const { value } = await surgeJson([
      'import',
      `${reference}/data/opda_alexnet_summary.csv`,
      '--store',
      store,
    ]);
    const { failed } = (value as { report: { failed: { reason: string; count: number }[] } }).report;
    expect(Object.fromEntries(failed.map(({ reason, count }) => [reason, count]))).toEqual({
      diverged: 147,
      collapsed: 171,
    });
    const { code, stderr } = await surge([
      'figure',
      'opda_alexnet_summary',
      '--store',
      store,
      '--out',
      folder.file('opda'),
    ]);
    expect(code).toBe(BAD_INPUT);
    expect(stderr).toContain('learning rates are not on a grid');
  });

  test('give steps and examples where there is no learning rate', async () => {
    const store = folder.file('cbs.surge');
    expect(
      (
        await surge([
          'import',
          `${reference}/data/cbs_steps_to_target.csv`,
          '--name',
          'cbs',
          '--store',
          store,
        ])
      ).code,
    ).toBe(0);
    const { value } = await surgeJson(['laws', 'cbs', '--store', store]);
    const families = (value as { families: { steps: { logSpace: { bNoise: number } } }[] }).families;
    expect(families).toHaveLength(5);
    for (const { steps } of families) expect(steps.logSpace.bNoise).toBeGreaterThan(1_000);
    const one = await surge(['ridge', 'cbs: model = 85M', '--store', store]);
    expect(one.code).toBe(BAD_INPUT);
    expect(one.stderr).toMatch(/has no ridge: there is no learning-rate column\./);
    expect((await surge(['status', 'cbs: model = 85M', '--store', store])).code).toBe(0);
  });
});
