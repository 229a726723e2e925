import { describe, expect, it } from 'vitest';
import { parameterCount } from '#main/training/build-stack.ts';
import { elements } from '#main/training/engine/program.ts';
import { cnn } from '#main/training/workloads/cnn.ts';
import { resnet18 } from '#main/training/workloads/resnet.ts';
import { gpt } from '#main/training/workloads/transformer.ts';
import { workloadSchema } from '#shared/experiment/specification.ts';

const total = ({ parameters }: { parameters: readonly { shape: readonly number[] }[] }) =>
  parameters.reduce((sum, { shape }) => sum + elements(shape), 0);

describe('parameters', () => {
  it.each([
    // 784·32 + 32 + 32·10 + 10.
    [{ kind: 'mlp', hidden: [32] }, 25_450],
    // 9·16 + 16, 144·16 + 16, 144·32 + 32, 1568·64 + 64, 64·10 + 10.
    [{ kind: 'cnn' }, 160 + 2_320 + 4_640 + 100_416 + 650],
    [{ kind: 'logistic' }, 7_850],
    [{ kind: 'linear-regression', features: 20 }, 21],
    [
      {
        kind: 'quadratic',
        mu: [1, 1],
        sigma: [1, 1],
        hessian: [
          [1, 0],
          [0, 1],
        ],
      },
      2,
    ],
    // Embeddings 256·64 and 64·64; a block of 12·64² + 13·64; the last norm.
    [{ kind: 'gpt' }, 16_384 + 4_096 + 2 * (12 * 4_096 + 13 * 64) + 128],
    // A block: attention and norms 4·64² + 2·64, router 8·64, nine experts of 3·64·64.
    [{ kind: 'moe' }, 16_384 + 4_096 + 2 * (4 * 4_096 + 128 + 512 + 9 * 3 * 4_096) + 64],
  ])('of %j', (workload, parameters) => {
    expect(parameterCount(workloadSchema.parse(workload), 100)).toBe(parameters);
  });

  it('of published models are the published ones', () => {
    const size = { layers: 6, width: 768, heads: 12, context: 1024, tied: true };
    expect(total(gpt(size, 50_257))).toBe(81_912_576);
    const image = { channels: 3, height: 32, width: 32 };
    expect(total(resnet18({ width: 64 }, { image, classes: 10 }))).toBe(11_173_962);
  });

  it('of a network that halves odd images do not exist, and the error says why', () => {
    const options = { channels: [2, 2], poolAfter: [1, 2], pooling: 'max', dense: 4, kernel: 3 } as const;
    const image = { channels: 1, height: 8, width: 6 };
    expect(() => cnn(options, { image, classes: 3 })).toThrow(
      'workload.poolAfter: an image of 8 × 6 pixels cannot be halved 2 times',
    );
    expect(() => cnn(options, { image: null, classes: 3 })).toThrow('this workload needs images');
  });

  it('are unknown where the data cannot be read or the program is the user’s', () => {
    const data = { source: 'idx', images: '/nowhere/images', labels: '/nowhere/labels' };
    expect(parameterCount(workloadSchema.parse({ kind: 'mlp', data }), 100)).toBeNull();
    const external = workloadSchema.parse({ kind: 'external', command: ['true'] });
    expect(parameterCount(external, 100)).toBeNull();
  });
});
