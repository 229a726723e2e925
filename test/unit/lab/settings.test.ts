import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Calibration } from '#main/lab/scheduler/measurements.ts';
import type { MemoryModel } from '#main/training/memory/need.ts';
import type { Measurement } from '#main/training/protocol.ts';
import {
  cellsPerStack,
  cellsThatFit,
  defaultWorkforce,
  runStepMicroseconds,
  settingsFor,
  stackBytes,
} from '#main/lab/scheduler/settings.ts';

const GIB = 2 ** 30;

/** A megabyte for each cell and each example of each cell. */
const memory: MemoryModel = {
  onDevice: true,
  processBytes: 0,
  dataBytes: 0,
  stateBytesPerCell: 0,
  inputs: [0, 0, 0, 0, 0],
  operations: 0,
  single: [[0, 2e6, 0, 0, 0]],
  several: [[0, 1e6, 0, 0, 1e6]],
  evaluation: { bytesPerExample: 0, bytesPerCellExample: 0, examples: 1, examplesOfTile: 1 },
};

function measurement(batchSize: number, cells: number, microsecondsPerRunStep: number): Measurement {
  return {
    batchSize,
    cells,
    microsecondsPerRunStep,
    evaluateMillisecondsPerCell: 0.5,
    openMilliseconds: 1_000,
    mode: 'compiled',
  };
}

function calibration(...measurements: Measurement[]): Calibration {
  return { dataChecksum: '', threads: 1, memory, cutAtBytes: null, measurements, failures: [] };
}

describe('trainers and threads', () => {
  test.each([
    { cores: 2, freeBytes: 20 * GIB, devices: null, expected: { trainers: 2, threads: 1 } },
    { cores: 16, freeBytes: 5 * GIB, devices: null, expected: { trainers: 4, threads: 4 } },
    { cores: 8, freeBytes: 0, devices: null, expected: { trainers: 1, threads: 8 } },
    {
      cores: 16,
      freeBytes: 100 * GIB,
      devices: ['0'],
      expected: { trainers: 1, threads: 16, devices: ['0'] },
    },
    {
      cores: 16,
      freeBytes: 100 * GIB,
      devices: ['0', '1', '3'],
      expected: { trainers: 3, threads: 5, devices: ['0', '1', '3'] },
    },
    { cores: 16, freeBytes: 100 * GIB, devices: [], expected: { trainers: 1, threads: 16 } },
  ])('$cores cores, $freeBytes bytes, GPUs $devices', ({ expected, ...machine }) => {
    expect(defaultWorkforce(machine)).toEqual(expected);
  });

  test('wishes go first, and threads share the cores', () => {
    const machine = { cores: 8, freeBytes: 100 * GIB, devices: null };
    expect(defaultWorkforce(machine, { trainers: 2 })).toEqual({ trainers: 2, threads: 4 });
    expect(defaultWorkforce(machine, { trainers: 3, threads: 7 })).toEqual({ trainers: 3, threads: 7 });
  });
});

describe('what calibration decides', () => {
  const workforce = { trainers: 2, threads: 1 };

  test('between measured batch sizes the time is interpolated in ln B, outside it is the nearest', () => {
    const measured = calibration(measurement(1, 48, 10), measurement(100, 48, 1000));
    expect(runStepMicroseconds(measured, 10, 48)).toBeCloseTo(100, 8);
    expect(runStepMicroseconds(measured, 1, 48)).toBe(10);
    expect(runStepMicroseconds(measured, 5000, 48)).toBe(1000);
  });

  test('a slow large stack loses to small ones when there is much to train', () => {
    const measured = calibration(measurement(8, 12, 10), measurement(8, 192, 30));
    const need = { batchSize: 8, examples: 8, groups: 2, marks: 5, cells: 192 };
    expect(cellsPerStack(measured, { ...need, steps: 1_000_000 }, workforce)).toBe(12);
    // A start costs seconds: for a few steps one stack is sooner done than sixteen.
    expect(cellsPerStack(measured, { ...need, steps: 10 }, workforce)).toBe(192);
  });

  test('a stack that does not fit in memory is cut to what does', () => {
    const measured = calibration(measurement(8, 12, 50), measurement(8, 192, 1));
    const need = { batchSize: 8, examples: 8, groups: 2, steps: 1000, marks: 5, cells: 192 };
    const [twelve, thirty] = [12, 30].map((cells) => stackBytes(measured, need, cells));
    expect(thirty - twelve).toBeCloseTo(18 * 9e6, 0);
    expect(cellsPerStack(measured, need, workforce)).toBe(192);
    expect(cellsPerStack(measured, need, { ...workforce, memoryBytes: thirty })).toBe(30);
    expect(cellsPerStack(measured, need, { ...workforce, memoryBytes: thirty - 1 })).toBe(29);
    expect(cellsThatFit(measured, need, 192, { memoryBytes: twelve })).toBe(12);
    expect(cellsThatFit(measured, need, 192, { memoryBytes: 1e6 })).toBe(0);
    // Micro-batches of one example leave room for more.
    const parts = { ...need, examples: 1 };
    expect(cellsPerStack(measured, parts, { ...workforce, memoryBytes: thirty })).toBeGreaterThan(100);
  });

  test('a chunk lasts about a quarter of a second, in powers of two, at least one step', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 1e8, noNaN: true }),
        fc.integer({ min: 1, max: 1000 }),
        (us, cells) => {
          const { chunkSteps } = settingsFor(calibration(measurement(8, cells, us)), 8, cells, 1);
          expect(Math.log2(chunkSteps) % 1).toBe(0);
          expect(chunkSteps).toBeGreaterThanOrEqual(1);
          expect(chunkSteps).toBeLessThanOrEqual(128);
          const seconds = (us * cells * chunkSteps) / 1e6;
          if (chunkSteps > 1) expect(seconds).toBeLessThan(0.5);
        },
      ),
    );
  });
});
