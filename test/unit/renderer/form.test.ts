import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scheduleSchema } from '#shared/experiment/schedule.ts';
import { optimizerSchema, workloadSchema } from '#shared/experiment/specification.ts';
import { gradientClippingSchema } from '#shared/experiment/training-options.ts';
import type { Editable } from '#renderer/form/editable.ts';
import { unionShape } from '#renderer/form/fields.ts';
import { withinGroup } from '#renderer/form/group.ts';
import {
  jsonText,
  parseJson,
  matrixText,
  numbersText,
  numberText,
  parseMatrix,
  parseNumber,
  parseNumbers,
} from '#renderer/form/numbers.ts';
import { pathText, valueAt, withValue } from '#renderer/form/tree.ts';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);

describe('numbers in a form', () => {
  it('reads back every number as the same number', () => {
    fc.assert(
      fc.property(fc.array(fc.array(finite, { minLength: 1 }), { minLength: 1 }), (rows) => {
        expect(parseMatrix(matrixText(rows))).toEqual(rows);
        expect(parseNumbers(numbersText(rows[0]))).toEqual(rows[0]);
        expect(parseNumber(numberText(rows[0][0]))).toBe(rows[0][0]);
      }),
    );
  });

  it('takes what people write', () => {
    expect(['3e-4', ' 1 024 ', '1\u202f024', '\u22120.5', '1_000'].map(parseNumber)).toEqual([
      3e-4, 1024, 1024, -0.5, 1000,
    ]);
    expect(parseNumbers('[1, 2  4;8]')).toEqual([1, 2, 4, 8]);
    expect(parseNumbers('none')).toEqual([]);
  });

  it('keeps what is no number as text, so that the check can name it', () => {
    expect(parseNumber('1e')).toBe('1e');
    expect(parseNumber('')).toBeUndefined();
    expect(parseNumbers('1, two')).toEqual([1, 'two']);
  });
});

describe('a form from a schema', () => {
  it('has every kind of optimizer with its numbers and their defaults', () => {
    const shape = unionShape(optimizerSchema);
    expect(shape.discriminator).toBe('kind');
    expect(shape.kinds.map(({ kind }) => kind)).toEqual(
      optimizerSchema.options.map((option) => option.shape.kind.value),
    );
    expect(shape.kinds.find(({ kind }) => kind === 'adam')?.fields).toMatchObject([
      { name: 'beta1', control: 'number', fallback: 0.9 },
      { name: 'beta2', control: 'number', fallback: 0.999 },
      { name: 'epsilon', control: 'number', fallback: 1e-8 },
      { name: 'weightDecay', control: 'number', fallback: undefined },
    ]);
  });

  it('has controls for every field of schedules and clipping', () => {
    for (const schema of [scheduleSchema, gradientClippingSchema]) {
      const { kinds } = unionShape(schema);
      expect(kinds.map(({ kind }) => kind)).toEqual(schema.options.map((option) => option.shape.kind.value));
      for (const { kind, fields } of kinds)
        for (const { name, control } of fields)
          expect(['number', 'numbers'], `${kind}.${name}`).toContain(control);
    }
  });

  it('has controls for every field of every workload, JSON where nothing better fits', () => {
    const { kinds } = unionShape(workloadSchema);
    expect(kinds.map(({ kind }) => kind)).toEqual(
      workloadSchema.options.map((option) => option.shape.kind.value),
    );
    for (const { kind, fields } of kinds)
      for (const { name, control } of fields)
        if (kind !== 'external') expect({ kind, name, control }).not.toMatchObject({ control: 'other' });
  });

  it('has the fields of a group, which goes with the last of them', () => {
    const cnn = unionShape(workloadSchema).kinds.find(({ kind }) => kind === 'cnn');
    const group = cnn?.fields.find(({ name }) => name === 'augmentation');
    expect(group?.control).toBe('group');
    expect(group?.fields.map(({ name, control }) => [name, control])).toEqual([
      ['crop', 'number'],
      ['flip', 'switch'],
    ]);
    let root: unknown = { workload: { kind: 'cnn' } };
    const draft: Editable = {
      get: (path) => valueAt(root, path),
      set: (path, value) => (root = withValue(root, path, value)),
      problemAt: (path) => pathText(path),
    };
    const at = ['workload', 'augmentation'];
    const inside = withinGroup(draft, at);
    inside.set([...at, 'crop'], 4);
    inside.set([...at, 'flip'], true);
    expect(root).toEqual({ workload: { kind: 'cnn', augmentation: { crop: 4, flip: true } } });
    inside.set([...at, 'crop'], undefined);
    expect(inside.get(at)).toEqual({ flip: true });
    inside.set([...at, 'flip'], undefined);
    expect(root).toEqual({ workload: { kind: 'cnn' } });
    expect(inside.problemAt(at)).toBe('workload.augmentation');
  });

  it('keeps what is no JSON as it was typed', () => {
    expect([parseJson('["a", 1]'), parseJson('[a'), parseJson(' ')]).toEqual([['a', 1], '[a', undefined]);
    expect(jsonText(['a', 1])).toBe('["a",1]');
  });
});

describe('changes by path', () => {
  it('copies what it touches and leaves the rest', () => {
    const before = { a: { list: [1, 2, 3] }, b: { c: 1 } };
    const after = withValue(before, ['a', 'list', 1], 9) as typeof before;
    expect(after).toEqual({ a: { list: [1, 9, 3] }, b: { c: 1 } });
    expect(before.a.list).toEqual([1, 2, 3]);
    expect(after.b).toBe(before.b);
    expect(withValue(before, ['b', 'c'], undefined)).toEqual({ a: before.a, b: {} });
    expect(valueAt(before, ['a', 'none', 'deeper'])).toBeUndefined();
    expect(pathText(['learningRates', 'list', 3])).toBe('learningRates.list[3]');
  });
});
