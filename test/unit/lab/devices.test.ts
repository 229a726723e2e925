/** GPUs dealt to trainers, and how external workloads share the machine. */
import { availableParallelism } from 'node:os';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { externalWorkloadSchema } from '#shared/experiment/external.ts';
import { DevicePool, deviceList, visibleDevices } from '#main/lab/scheduler/device-pool.ts';
import { externalWorkforce } from '#main/lab/scheduler/external-workforce.ts';

describe('devices', () => {
  test('are named as CUDA names them', () => {
    expect(deviceList('0, 2,GPU-1a')).toEqual(['0', '2', 'GPU-1a']);
    expect(deviceList('')).toEqual([]);
    expect(deviceList('1,-1,2')).toEqual(['1']);
    expect(deviceList('0,0,1')).toEqual(['0', '1']);
    expect(visibleDevices(['7'])).toEqual(['7']);
  });

  test('are never shared while there are enough of them', () => {
    const moves = fc.array(
      fc.oneof(fc.record({ take: fc.integer({ min: 1, max: 3 }) }), fc.record({ give: fc.nat(9) })),
    );
    fc.assert(
      fc.property(moves, (list) => {
        const pool = new DevicePool(['a', 'b', 'c', 'd', 'e', 'f']);
        const held: (readonly string[])[] = [];
        for (const move of list) {
          if ('give' in move) {
            const [given] = held.splice(move.give, 1);
            if (given !== undefined) pool.giveBack(given);
            continue;
          }
          if (held.flat().length + move.take > 6) continue;
          held.push(pool.take(move.take));
          expect(held.at(-1)).toHaveLength(move.take);
          expect(new Set(held.flat()).size).toBe(held.flat().length);
        }
      }),
    );
  });

  test('are shared evenly when somebody asks for more trainers than there are', () => {
    const pool = new DevicePool(['a', 'b']);
    expect([1, 2, 3, 4].map(() => pool.take(1)[0])).toEqual(['a', 'b', 'a', 'b']);
  });
});

describe('external workloads', () => {
  const workload = (change: object) =>
    externalWorkloadSchema.parse({ kind: 'external', command: ['train'], ...change });
  const devices = ['0', '1', '2', '3', '4'];
  const cores = availableParallelism();

  test.each([
    [{}, {}, 1],
    [{ parallel: 3 }, {}, 3],
    [{ parallel: 3 }, { trainers: 2 }, 2],
    [{ gpus: 2 }, { devices }, 2],
    [{ gpus: 1 }, { devices }, 5],
    [{ gpus: 1, parallel: 4 }, { devices }, 4],
    [{ gpus: 2, parallel: 4 }, { devices }, 2],
    [{ gpus: 2 }, { devices, trainers: 8 }, 2],
    [{ gpus: 0 }, { trainers: 8 }, 8],
  ])('%j with %j: %i at once', (change, wishes, trainers) => {
    const threads = Math.max(1, Math.floor(cores / trainers));
    expect(externalWorkforce(workload(change), wishes)).toMatchObject({ trainers, threads });
  });

  test('too few GPUs are told', () => {
    expect(() => externalWorkforce(workload({ gpus: 1 }), { devices: [] })).toThrow(
      'workload.gpus: a cell needs 1 GPU, but here is none',
    );
  });
});
