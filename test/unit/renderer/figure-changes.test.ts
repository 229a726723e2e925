import { describe, expect, it } from 'vitest';
import { change, shortNumber } from '#renderer/figures/changes.ts';

describe('changes of numbers', () => {
  it('are shown with three digits, other texts as they are', () => {
    expect(['0.0030001', '16', '', 'yes', 'NaN', '1e-7'].map(shortNumber)).toEqual([
      '0.00300',
      '16',
      '–',
      'yes',
      'NaN',
      '1e-7',
    ]);
  });

  it('have a share of the number before', () => {
    expect(change('0.004', '0.005')).toBe('+25 %');
    expect(change('-2', '-2.05')).toBe('−2.5 %');
    expect(change('1', '1.005')).toBe('+0.50 %');
    expect(change('1', '1.0000001')).toBe('< 0.01 %');
    for (const [before, after] of [
      ['', '1'],
      ['1', ''],
      ['0', '1'],
      ['no', 'yes'],
      ['1', 'NaN'],
    ])
      // prettier-ignore
      expect(change(before, after)).toBe('');
  });
});
