import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openStore, stackSpoolFile } from '#main/lab/store/index.ts';
import type { WritableStore } from '#main/lab/store/types.ts';
import {
  append,
  cellConfigurations,
  codeOf,
  curveLine,
  dump,
  finishedLine,
  marks,
  planFor,
  removeTemporaryFoldersAfterEach,
  specification,
  startLine,
  steps,
  storeError,
  temporaryFolder,
  text,
  trainLines,
  valueAt,
  wholeSpool,
  width,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

interface Setting {
  store: WritableStore;
  id: number;
  stack: string;
  spool: string;
}

function prepare(): Setting {
  const store = openStore(join(temporaryFolder(), 'a.surge'));
  const { id } = store.createExperiment(specification(), cellConfigurations());
  const [stack] = store.planStacks(id, [planFor(1)]);
  return { store, id, stack: stack.key, spool: stackSpoolFile(store.spoolFolder, stack.key) };
}

/** Rows that the spool decides: keys and times of the two stores differ. */
function decided({ store, stack }: Setting) {
  const { stacks, cells, blocks, events } = dump(store.file);
  const text = JSON.stringify({ stacks, cells, blocks, events }).replaceAll(stack, 'STACK');
  return text.replaceAll(/"spool_tail":\{[^}]*\}/g, '');
}

describe('exactly once', () => {
  it('however the spool is cut into calls, at any byte and with the store reopened in between', () => {
    const whole = prepare();
    const spool = wholeSpool(whole.stack);
    writeFileSync(whole.spool, spool);
    whole.store.ingest(whole.stack);
    const wanted = decided(whole);
    whole.store.close();
    const size = Buffer.byteLength(spool);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: size }), fc.boolean()), { maxLength: 8 }),
        (cuts) => {
          const setting = prepare();
          const bytes = Buffer.from(wholeSpool(setting.stack));
          let values = 0;
          for (const [cut, reopen] of [...cuts.sort((a, b) => a[0] - b[0]), [size, false] as const]) {
            writeFileSync(setting.spool, bytes.subarray(0, cut));
            const result = setting.store.ingest(setting.stack);
            values += result.values;
            expect(result.bytes).toBe(bytes.subarray(0, cut).lastIndexOf(10) + 1);
            if (reopen) {
              setting.store.close();
              setting.store = openStore(setting.store.file);
            }
          }
          // The two steps that were trained again count twice, as they were written twice.
          expect(values).toBe(width * (steps + 2 + marks.length));
          expect(decided(setting)).toBe(wanted);
          setting.store.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('twice in a row changes nothing', () => {
    const setting = prepare();
    writeFileSync(setting.spool, wholeSpool(setting.stack));
    setting.store.ingest(setting.stack);
    const before = dump(setting.store.file);
    expect(setting.store.ingest(setting.stack)).toMatchObject({
      lines: 0,
      values: 0,
      badLines: 0,
      ending: 'finished',
    });
    expect(dump(setting.store.file)).toEqual(before);
    setting.store.close();
  });

  it('waits for a spool that is not there yet', () => {
    const { store, stack } = prepare();
    expect(store.ingest(stack)).toEqual({
      bytes: 0,
      lines: 0,
      values: 0,
      badLines: 0,
      ending: null,
      message: '',
    });
    store.close();
  });
});

describe('a resumed trainer', () => {
  it('overwrites what lies behind its checkpoint and nothing else', () => {
    const { store, id, stack, spool } = prepare();
    // One block over the steps 1 … 8 and one over all marks, then a restart from step 3 in the middle of both.
    const training = Array.from({ length: steps * width }, (_, i) => i);
    const evaluation = Array.from({ length: marks.length * width }, (_, i) => 100 + i);
    append(
      spool,
      startLine(stack),
      curveLine('trainingLoss', 0, training),
      curveLine('evaluationLoss', 0, evaluation),
      { event: 'diverged', cell: 0, step: 3 },
      { event: 'diverged', cell: 1, step: 4 },
      startLine(stack, 3),
    );
    store.ingest(stack);
    const curves = store.curveSet(id, 'trainingLoss');
    expect(curves.recorded[0]).toBe(3);
    expect([...curves.values.slice(0, 4)]).toEqual([0, width, 2 * width, NaN]);
    // Marks 1 and 2 lie at or before step 3; marks 4 and 8 do not.
    expect(store.curveSet(id, 'evaluationLoss').recorded[0]).toBe(2);
    const cells = store.cells(id);
    expect(cells.filter((cell) => cell.divergedAt !== null).map((cell) => cell.divergedAt)).toEqual([3]);
    expect(store.stacks(id)[0]).toMatchObject({ stepsDone: 3, checkpointStep: 3 });
    store.close();
  });

  it('can start from the beginning again', () => {
    const { store, id, stack, spool } = prepare();
    append(spool, startLine(stack), ...trainLines(0, 6), startLine(stack));
    store.ingest(stack);
    expect(store.curveSet(id, 'trainingLoss').recorded[0]).toBe(0);
    expect(dump(store.file).blocks).toEqual([]);
    store.close();
  });

  it('may repeat and overlap lines without a start line: the later one counts', () => {
    const { store, id, stack, spool } = prepare();
    const flat = (value: number, points: number) => new Array<number>(points * width).fill(value);
    append(
      spool,
      startLine(stack),
      curveLine('trainingLoss', 0, flat(1, 6)),
      curveLine('trainingLoss', 2, flat(2, 2)),
      curveLine('trainingLoss', 5, flat(3, 2)),
      curveLine('trainingLoss', 5, flat(3, 2)),
    );
    store.ingest(stack);
    const curves = store.curveSet(id, 'trainingLoss');
    expect([...curves.values.slice(0, steps)]).toEqual([1, 1, 2, 2, 1, 3, 3, NaN]);
    store.close();
  });

  it('says how the last attempt ended, and forgets it when the next one begins', () => {
    const { store, stack, spool } = prepare();
    store.stackStarted(stack, { pid: 1, startTicks: 1 });
    append(spool, startLine(stack), ...trainLines(0, 2), {
      event: 'stopped',
      time: 9,
      step: 2,
      reason: 'asked',
      message: 'paused',
    });
    expect(store.ingest(stack)).toMatchObject({ ending: 'asked', message: 'paused' });
    expect(store.ingest(stack)).toMatchObject({ ending: 'asked', message: 'paused' });
    store.stackEnded(stack, 'interrupted', 'paused');
    // Killed before it could write a line: the old ending is not the new one's.
    store.stackStarted(stack, { pid: 2, startTicks: 2 });
    expect(store.ingest(stack).ending).toBeNull();
    append(spool, startLine(stack, 2), {
      event: 'stopped',
      time: 9,
      step: 2,
      reason: 'disk-full',
      message: 'no space',
    });
    expect(store.ingest(stack)).toMatchObject({ ending: 'disk-full', message: 'no space' });
    append(spool, startLine(stack, 2));
    expect(store.ingest(stack).ending).toBeNull();
    store.close();
  });
});

describe('non-finite values', () => {
  it('are kept bit by bit, NaN payloads included', () => {
    const { store, id, stack, spool } = prepare();
    const bits = [0x7fc00000, 0xffc00001, 0x7f800001, 0x7f800000, 0xff800000, 0x80000000];
    const bytes = Buffer.alloc(4 * width);
    bits.forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
    append(spool, startLine(stack), {
      event: 'curve',
      metric: 'evaluationLoss',
      first: 0,
      points: 1,
      cells: width,
      values: bytes.toString('base64'),
    });
    store.ingest(stack);
    const database = new SqliteDatabase(store.file, { readonly: true });
    const row = database
      .prepare<[], { data: Buffer; non_finite: number }>('SELECT * FROM curve_blocks')
      .get()!;
    database.close();
    expect(row.data.equals(bytes)).toBe(true);
    expect(row.non_finite).toBe(5);
    const { values } = store.curveSet(id, 'evaluationLoss');
    const seen = Array.from({ length: width }, (_, cell) => values[cell * marks.length]);
    // Cells are [learning rate][seed] here, columns were [seed][learning rate].
    expect(seen).toEqual([NaN, Infinity, NaN, -Infinity, NaN, -0]);
    // Means are over what is finite; learning rate 0.4 has one finite seed (-0).
    expect([...store.meanSurface(id, 'evaluationLoss', 0).slice(0, 3)]).toEqual([NaN, NaN, 0]);
    store.close();
  });

  it('round-trip for any float32 bits and any shape', () => {
    fc.assert(
      fc.property(fc.uint32Array({ minLength: width, maxLength: width * steps }), (words) => {
        const points = Math.floor(words.length / width);
        const bits = words.slice(0, points * width);
        const { store, stack, spool } = prepare();
        const values = Buffer.from(bits.buffer, 0, bits.byteLength);
        append(spool, startLine(stack), {
          event: 'curve',
          metric: 'trainingLoss',
          first: 0,
          points,
          cells: width,
          values: values.toString('base64'),
        });
        expect(store.ingest(stack).values).toBe(points * width);
        const stored = dump(store.file).blocks.map((row) => (row as { data: Buffer }).data);
        expect(Buffer.concat(stored).equals(values)).toBe(true);
        store.close();
      }),
      { numRuns: 20 },
    );
  });
});

describe('a large line', () => {
  it('is cut into small rows and read back whole', () => {
    const store = openStore(join(temporaryFolder(), 'a.surge'));
    const many = Array.from({ length: 500 }, (_, i) => (i + 1) / 1000);
    const [cell] = cellConfigurations();
    const length = 3000;
    const cells = many.map((learningRate) => ({ ...cell, learningRate, steps: length, marks: [length] }));
    const { id } = store.createExperiment(specification(), cells);
    const plan = { batchSize: 1, learningRates: many, seeds: [0], steps: length, marks: [length] };
    const [stack] = store.planStacks(id, [{ ...planFor(1), plan }]);
    // 6 MB of values, 8 MB of text: longer than one read.
    const values = Array.from({ length: length * many.length }, (_, i) => i % 65_536);
    append(
      stackSpoolFile(store.spoolFolder, stack.key),
      startLine(stack.key, 0, many.length),
      curveLine('trainingLoss', 0, values, many.length),
    );
    expect(store.ingest(stack.key)).toMatchObject({ lines: 2, values: length * many.length, badLines: 0 });
    const blocks = dump(store.file).blocks as { data: Buffer }[];
    expect(Math.max(...blocks.map((block) => block.data.length))).toBeLessThanOrEqual(32 * 1024);
    const curves = store.curveSet(id, 'trainingLoss');
    for (const [c, p] of [
      [0, 0],
      [499, 2999],
      [123, 1777],
    ] as const) {
      expect(curves.values[c * length + p]).toBe((p * many.length + c) % 65_536);
    }
    expect(store.meanSurface(id, 'trainingLoss', 1777)[123]).toBe((1777 * many.length + 123) % 65_536);
    store.close();
  });
});

describe('bad lines', () => {
  const wrong: [string, (stack: string) => object | string][] = [
    ['not JSON', () => '{"event": oops}\n'],
    ['an unknown event', () => ({ event: 'surprise' })],
    ['null', () => 'null\n'],
    [
      'an unknown metric',
      () => ({ ...curveLine('trainingLoss', 0, new Array<number>(width).fill(1)), metric: 'x' }),
    ],
    ['another number of cells', () => curveLine('trainingLoss', 0, [1, 2], 2)],
    [
      'too few values',
      () => ({ ...curveLine('trainingLoss', 0, new Array<number>(width).fill(1)), points: 2 }),
    ],
    [
      'values that are not base64',
      () => ({ ...curveLine('trainingLoss', 0, new Array<number>(width).fill(1)), values: '*'.repeat(32) }),
    ],
    [
      'points behind the end',
      () => curveLine('evaluationLoss', marks.length, new Array<number>(width).fill(1)),
    ],
    [
      'a negative place',
      () => ({ ...curveLine('trainingLoss', 0, new Array<number>(width).fill(1)), first: -1 }),
    ],
    ['a cell that does not exist', () => ({ event: 'diverged', cell: width, step: 1 })],
    ['the start of another stack', () => startLine('other')],
    ['a start with another number of cells', (stack) => startLine(stack, 0, width + 1)],
    ['a step that is not a whole number', (stack) => ({ ...startLine(stack), step: 0.5 })],
    ['a time that is no time', () => ({ ...finishedLine, time: 1e300 })],
  ];

  it.each(wrong)('%s: counted, told, and nothing else is lost', (_, line) => {
    const { store, id, stack, spool } = prepare();
    append(spool, startLine(stack), ...trainLines(0, 4), line(stack), ...trainLines(4, 8), finishedLine);
    expect(store.ingest(stack)).toMatchObject({ badLines: 1, ending: 'finished' });
    expect(store.curveSet(id, 'trainingLoss').recorded[0]).toBe(steps);
    const events = store.events(id).filter((event) => event.kind === 'bad-line');
    expect(events).toHaveLength(1);
    expect(events[0].stack).toBe(stack);
    store.close();
  });

  it('are told ten times at most', () => {
    const { store, id, stack, spool } = prepare();
    append(spool, ...Array.from({ length: 30 }, () => 'rubbish\n'));
    expect(store.ingest(stack).badLines).toBe(30);
    expect(store.events(id)).toHaveLength(10);
    store.close();
  });

  it('empty lines are not bad', () => {
    const { store, stack, spool } = prepare();
    append(spool, '\n', startLine(stack), '\r\n', '\n');
    expect(store.ingest(stack)).toMatchObject({ badLines: 0, lines: 1 });
    store.close();
  });

  it('a line torn by a kill does not swallow the start of the next trainer', () => {
    const { store, id, stack, spool } = prepare();
    const torn = text(trainLines(4, 6)[0]).slice(0, 60);
    append(
      spool,
      startLine(stack),
      ...trainLines(0, 6),
      torn,
      startLine(stack, 4),
      ...trainLines(4, 8),
      finishedLine,
    );
    expect(store.ingest(stack)).toMatchObject({ badLines: 1, ending: 'finished' });
    expect(store.curveSet(id, 'trainingLoss').values[7]).toBe(valueAt('trainingLoss', 7, 0));
    expect(store.stacks(id)[0].state).toBe('finished');
    store.close();
  });

  it('a finished stack with a hole is failed, not done', () => {
    const { store, id, stack, spool } = prepare();
    const lines = trainLines(0, 8);
    const [, ...rest] = lines.map(text);
    append(spool, startLine(stack), 'rubbish\n', ...rest, finishedLine);
    const result = store.ingest(stack);
    expect(result.ending).toBe('error');
    expect(result.message).toContain('trainingLoss');
    expect(store.stacks(id)[0].state).toBe('failed');
    expect(store.cells(id)[0]).toMatchObject({ state: 'failed' });
    // Not even the points behind the hole pass as recorded.
    expect(store.curveSet(id, 'trainingLoss').recorded[0]).toBe(0);
    store.close();
  });
});

describe('a spool that is not the same file any more', () => {
  it('is refused with the reason, and what was ingested stays', () => {
    const { store, id, stack, spool } = prepare();
    append(spool, startLine(stack), ...trainLines(0, 6));
    store.ingest(stack);
    const size = readFileSync(spool).length;
    truncateSync(spool, size - 10);
    const cut = storeError(() => store.ingest(stack));
    expect(cut.code).toBe('spool-replaced');
    expect(cut.message).toContain(String(size));
    writeFileSync(spool, 'x'.repeat(size + 5));
    expect(codeOf(() => store.ingest(stack))).toBe('spool-replaced');
    expect(store.curveSet(id, 'trainingLoss').recorded[0]).toBe(6);
    store.close();
  });
});
