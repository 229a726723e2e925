import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SpoolLine } from '#main/training/protocol.ts';
import { SpoolWriter } from '#main/training/spool-writer.ts';
import { readSpool } from '../../support/training.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'surge-spool-'));
  file = join(folder, 'spool.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lines = () =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text) as SpoolLine);
const curves = () => lines().filter((line) => line.event === 'curve');

describe('the spool writer', () => {
  it('joins neighbouring points of a metric into one line', () => {
    const spool = new SpoolWriter(file, 2);
    spool.add('trainingLoss', 0, 2, Float32Array.of(1, 2, 3, 4));
    spool.add('evaluationLoss', 0, 1, Float32Array.of(9, NaN));
    spool.add('trainingLoss', 2, 1, Float32Array.of(5, 6));
    expect(statSync(file).size).toBe(0);
    spool.flush();
    expect(curves().map(({ metric, first, points, cells }) => ({ metric, first, points, cells }))).toEqual([
      { metric: 'trainingLoss', first: 0, points: 3, cells: 2 },
      { metric: 'evaluationLoss', first: 0, points: 1, cells: 2 },
    ]);
    spool.close();
    const after = readSpool(file);
    expect(after.values('trainingLoss').map((row) => [...row])).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect([...after.values('evaluationLoss')[0]]).toEqual([9, NaN]);
  });

  it('keeps points apart that are not neighbours', () => {
    const spool = new SpoolWriter(file, 1);
    spool.add('trainingLoss', 0, 1, Float32Array.of(1));
    spool.add('trainingLoss', 4, 1, Float32Array.of(5));
    spool.flush();
    spool.close();
    expect(curves().map((line) => line.first)).toEqual([0, 4]);
  });

  it('writes curves before a line that follows them', () => {
    const spool = new SpoolWriter(file, 1);
    spool.add('trainingLoss', 0, 1, Float32Array.of(Infinity));
    spool.write({ event: 'diverged', cell: 0, step: 1 });
    spool.close();
    expect(lines().map((line) => line.event)).toEqual(['curve', 'diverged']);
  });

  it('ends a half line of its predecessor, so that only this one is lost', () => {
    writeFileSync(file, '{"event":"diverged","cell":1,"step":3}\n{"event":"curve","metr');
    const spool = new SpoolWriter(file, 1);
    spool.write({ event: 'diverged', cell: 0, step: 9 });
    expect(spool.bytes).toBe(statSync(file).size);
    spool.close();
    const after = readSpool(file);
    expect(after.broken).toBe(1);
    expect(after.lines).toEqual([
      { event: 'diverged', cell: 1, step: 3 },
      { event: 'diverged', cell: 0, step: 9 },
    ]);
  });

  it('adds nothing to a file that ends well', () => {
    appendFileSync(file, '{"event":"diverged","cell":1,"step":3}\n');
    const size = statSync(file).size;
    new SpoolWriter(file, 1).close();
    expect(statSync(file).size).toBe(size);
  });

  it('says the same however the points are cut into pieces and flushes', () => {
    const piece = fc.record({ points: fc.integer({ min: 1, max: 5 }), flush: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        (pieces, cells) => {
          rmSync(file, { force: true });
          const spool = new SpoolWriter(file, cells);
          let first = 0;
          for (const { points, flush } of pieces) {
            const values = Float32Array.from({ length: points * cells }, (_, i) => first * cells + i);
            spool.add('trainingLoss', first, points, values);
            first += points;
            if (flush) spool.flush();
          }
          spool.flush();
          spool.close();
          expect(
            readSpool(file)
              .values('trainingLoss')
              .flatMap((row) => [...row]),
          ).toEqual(Array.from({ length: first * cells }, (_, i) => i));
        },
      ),
      { numRuns: 50 },
    );
  });
});
