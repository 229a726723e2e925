import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Checkpoint,
  readCheckpoint,
  removeCheckpoint,
  writeCheckpoint,
} from '#main/training/checkpoint.ts';
import type { TensorSpecification } from '#main/training/engine/program.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'surge-checkpoint-'));
  file = join(folder, 'a.safetensors');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const specifications: TensorSpecification[] = [
  { name: 'weights1', shape: [2, 3], dtype: 'float32' },
  { name: 'trace/bias1', shape: [2, 1], dtype: 'float32' },
];
const checkpoint: Checkpoint = {
  stack: 'stack-a',
  step: 42,
  divergedAt: [7, Infinity],
  trainMilliseconds: 12.5,
  evaluateMilliseconds: 0,
  compileMilliseconds: 800,
  state: [Float32Array.of(1, -2, NaN, -0, Infinity, 1e-42), Float32Array.of(0.1, -Infinity)],
};
const write = () => writeCheckpoint(file, specifications, checkpoint);
const read = (stack = 'stack-a', of = specifications) => readCheckpoint(file, stack, of);

describe('checkpoint files', () => {
  it('give back every bit and the progress', () => {
    write();
    const back = read()!;
    const bits = (values: Float32Array) => Buffer.from(values.buffer).toString('hex');
    expect(back.state.map(bits)).toEqual(checkpoint.state.map(bits));
    expect({ ...back, state: [] }).toEqual({ ...checkpoint, state: [] });
    expect(readdirSync(folder)).toEqual(['a.safetensors']);
  });

  it('are absent before the first one', () => {
    expect(read()).toBeNull();
  });

  it('replace the older one', () => {
    write();
    writeCheckpoint(file, specifications, { ...checkpoint, step: 43 });
    expect(read()!.step).toBe(43);
    expect(readdirSync(folder)).toEqual(['a.safetensors']);
  });

  it('have the layout of safetensors', () => {
    write();
    const bytes = readFileSync(file);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, unknown>;
    expect(Object.keys(header)).toEqual(['__metadata__', 'weights1', 'trace/bias1']);
    expect(header.weights1).toEqual({ dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] });
    expect(header['trace/bias1']).toEqual({ dtype: 'F32', shape: [2, 1], data_offsets: [24, 32] });
    // safetensors allows text values only in its metadata.
    expect(Object.values(header.__metadata__ as object).every((value) => typeof value === 'string')).toBe(
      true,
    );
    expect(bytes.length).toBe(8 + length + 32);
    expect(bytes.readFloatLE(8 + length + 4)).toBe(-2);
    expect(bytes.readFloatLE(8 + length + 24)).toBe(Math.fround(0.1));
  });

  it('of another stack or with other tensors are refused by name', () => {
    write();
    expect(() => read('stack-b')).toThrow(`${file} is the checkpoint of stack stack-a, not stack-b`);
    const [weights, bias] = specifications;
    expect(() => read('stack-a', [weights, { ...bias, shape: [1, 2] }])).toThrow(
      `${file} has no tensor trace/bias1 of shape [1, 2]`,
    );
    expect(() => read('stack-a', [...specifications, { ...bias, name: 'bias2' }])).toThrow('no tensor bias2');
  });

  it('cut off anywhere are called damaged, naming the file', () => {
    write();
    const whole = readFileSync(file);
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(file, whole.subarray(0, length));
      expect(() => read(), `cut at ${length}`).toThrow(`${file} is a damaged checkpoint`);
    }
    writeFileSync(file, whole);
    expect(read()!.step).toBe(42);
    truncateSync(file, whole.length - 1);
    expect(() => read()).toThrow('ends inside tensor trace/bias1');
  });

  it('whose header is not JSON are called damaged', () => {
    write();
    const bytes = readFileSync(file);
    bytes[8] = 0x78;
    writeFileSync(file, bytes);
    expect(() => read()).toThrow(`${file} is a damaged checkpoint: its header cannot be read`);
  });

  it('that cannot be written leave the older one and no scraps', () => {
    write();
    const broken = { ...checkpoint, step: 99, state: [checkpoint.state[0], null as unknown as Float32Array] };
    expect(() => writeCheckpoint(file, specifications, broken)).toThrow(TypeError);
    expect(readdirSync(folder)).toEqual(['a.safetensors']);
    expect(read()!.step).toBe(42);
  });

  it('go away with what killed trainers left of them, and nothing else does', () => {
    write();
    const names = ['a.safetensors.123.tmp', 'b.safetensors', 'b.safetensors.7.tmp', 'a.safetensors.note'];
    for (const name of names) writeFileSync(join(folder, name), 'x');
    removeCheckpoint(file);
    expect(readdirSync(folder).sort()).toEqual([
      'a.safetensors.note',
      'b.safetensors',
      'b.safetensors.7.tmp',
    ]);
    removeCheckpoint(file);
    expect(read()).toBeNull();
  });
});
