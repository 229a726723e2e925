import { describe, expect, it } from 'vitest';
import { cellKey, sha256 } from '#main/lab/identity.ts';
import { cellConfigurations } from '#shared/experiment/cells.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import { specification } from './specifications.ts';

const cellsOf = (change: Partial<SpecificationInput>) => {
  const parsed = specification(change);
  return cellConfigurations(parsed, expandGrid(parsed), '');
};
const keysOf = (change: Partial<SpecificationInput>) => cellsOf(change).map((cell) => cellKey(cell));
const digest = (change: Partial<SpecificationInput>) => sha256(keysOf(change).join('\n')).slice(0, 16);

/** What experiments said before there were schedules, clipping and coupled decay: their cells must stay the same cells. */
const optimizers = {
  sgd: '076139ef18580966',
  momentum: '7bbfb6a9bd1c905a',
  nesterov: '47f7d7c6a0b93caf',
  sign: '410745be8ca7316c',
  signum: '5989c30bacacdb83',
  adam: '10119a8e6d61210d',
  adamw: '8facf7c7eb11d6e2',
  adagrad: '47b4a1373e08c320',
  rmsprop: 'bb79b05614956501',
  lion: 'd844a10f74f5fb7e',
  adafactor: 'da23ef9ebe7fd72a',
} as const;
const workloads = {
  cnn: '674c95b5303ff1bd',
  resnet18: '69f45c67f30cbe49',
  gpt: 'dbe4c4818ca1ad1e',
  moe: 'b23f1b9c383571c3',
  logistic: '247ba0d0cfff20bc',
  'linear-regression': '6db103ff07a063a6',
} as const;

describe('cell keys of experiments from before an option existed', () => {
  it.each(Object.entries(optimizers))('with %s stay the same', (kind, expected) => {
    expect(digest({ optimizer: { kind: kind as keyof typeof optimizers } })).toBe(expected);
  });

  it.each(Object.entries(workloads))('of %s stay the same', (kind, expected) => {
    expect(digest({ workload: { kind: kind as keyof typeof workloads } })).toBe(expected);
  });
});

describe('training options', () => {
  const options: readonly (readonly [string, Partial<SpecificationInput>])[] = [
    ['a schedule', { schedule: { kind: 'cosine' } }],
    ['another schedule', { schedule: { kind: 'cosine', final: 0.1 } }],
    ['clipping by norm', { gradientClipping: { kind: 'norm', limit: 1 } }],
    ['clipping by value', { gradientClipping: { kind: 'value', limit: 1 } }],
    ['micro-batches', { microBatch: 4 }],
    ['coupled decay', { optimizer: { kind: 'sign', weightDecay: 0.1 } }],
  ];

  it('belong to what a cell is', () => {
    const digests = [{}, ...options.map(([, change]) => change)].map(digest);
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('are absent where they are not given', () => {
    const [cell] = cellsOf({});
    expect(Object.keys(cell)).not.toContain('schedule');
    expect(Object.keys(cell)).not.toContain('gradientClipping');
    expect(Object.keys(cell)).not.toContain('microBatch');
    expect(Object.keys(cell.optimizer)).toEqual(['kind']);
  });
});
