import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, count, counted, decimal, duration, learningRate, percent } from '#renderer/parts/formats.ts';

describe('numbers in the window', () => {
  it('writes learning rates with significant digits, never as 0.00', () => {
    expect([3.2e-3, 1e-3, 0.00031623, 1, 12, 1e-10].map((value) => learningRate(value))).toEqual([
      '3.2e-3',
      '1e-3',
      '3.16e-4',
      '1e0',
      '1.2e1',
      '1e-10',
    ]);
  });

  it('keeps a learning rate within its last digit', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1e3, noNaN: true }), (value) => {
        expect(Math.abs(Number(learningRate(value)) / value - 1)).toBeLessThanOrEqual(0.0051);
      }),
    );
  });

  it('groups thousands and keeps every digit', () => {
    expect(count(1024)).toBe('1\u202f024');
    expect(count(-1_234_567.5)).toBe('\u22121\u202f234\u202f567.5');
    expect(counted(1, 'cell')).toBe('1 cell');
    expect(counted(1920, 'cell')).toBe('1\u202f920 cells');
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(Number(count(value).replaceAll('\u202f', '').replace('\u2212', '-'))).toBe(value);
      }),
    );
  });

  it('says what is no number', () => {
    for (const write of [learningRate, count, decimal, duration, bytes, percent])
      expect([NaN, Infinity].map((value) => write(value))).toEqual(['NaN', '∞']);
    expect(decimal(-Infinity)).toBe('\u2212∞');
  });

  it('writes times in the two units that matter', () => {
    expect([0, 59.4, 60, 245, 3600, 11_520, 190_800].map(duration)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '4 min 5 s',
      '1 h',
      '3 h 12 min',
      '2 d 5 h',
    ]);
  });

  it('never writes 60 of a smaller unit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e7, noNaN: true }), (seconds) => {
        expect(duration(seconds)).not.toMatch(/\b60 (s|min)|\b24 h/);
      }),
    );
  });

  it('writes losses and sizes', () => {
    expect([0.71234, 0, 12.345, -0.5, 1e-5].map((value) => decimal(value))).toEqual([
      '0.712',
      '0.00',
      '12.3',
      '\u22120.500',
      '1e-5',
    ]);
    expect([820, 12_400_000, 999_960, 3.2e12].map(bytes)).toEqual(['820 B', '12.4 MB', '1000 kB', '3.2 TB']);
    // Never 100 % before the end.
    expect([0.9999, 1].map(percent)).toEqual(['99\u202f%', '100\u202f%']);
  });
});
