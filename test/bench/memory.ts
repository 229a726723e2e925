/**
 * The predicted need for memory of stacks against what a process took at its peak: each workload in a small and a larger
 * stack. A prediction must not be below what was taken, nor more than twice as much; the exit code tells.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { StackConfiguration } from '#main/training/build-stack.ts';
import { optimizerSchema, workloadSchema } from '#shared/experiment/specification.ts';

type Written = Parameters<typeof workloadSchema.parse>[0];
const MOST = 2;
const PROCESS = fileURLToPath(new URL('./memory-process.ts', import.meta.url));

const transformer = { layers: 2, width: 48, heads: 4, context: 32 };
/** Workload, then seeds × learning rates × batch size, small and larger. */
const cases: readonly (readonly [Written, readonly Shape[]])[] = [
  [
    { kind: 'mlp', hidden: [256] },
    [
      [1, 6, 8],
      [4, 24, 256],
    ],
  ],
  [
    { kind: 'cnn' },
    [
      [1, 4, 8],
      [2, 8, 32],
    ],
  ],
  [
    { kind: 'resnet18', width: 8 },
    [
      [1, 2, 8],
      [1, 6, 16],
    ],
  ],
  [
    { kind: 'gpt', ...transformer },
    [
      [1, 4, 4],
      [2, 8, 32],
    ],
  ],
  [
    { kind: 'moe', ...transformer, experts: 4 },
    [
      [1, 4, 4],
      [2, 8, 16],
    ],
  ],
];
type Shape = readonly [seeds: number, learningRates: number, batchSize: number];

const range = (length: number) => Array.from({ length }, (_, i) => i);

function bytesOf(what: 'predict' | 'train', configuration: StackConfiguration): number {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', PROCESS, what],
    { input: JSON.stringify(configuration), encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

let failed = false;
console.log('workload   cells      B  predicted MB  measured MB  ratio');
for (const [written, shapes] of cases)
  for (const [seeds, rates, batchSize] of shapes) {
    const workload = workloadSchema.parse(written);
    const configuration: StackConfiguration = {
      workload,
      optimizer: optimizerSchema.parse({ kind: 'adam' }),
      batchSize,
      seeds: range(seeds),
      learningRates: range(rates).map((i) => 1e-4 * (i + 1)),
      evaluationExamples: 300,
      streams: 'common',
    };
    const [predicted, measured] = (['predict', 'train'] as const).map((what) => bytesOf(what, configuration));
    const ratio = predicted / measured;
    if (ratio < 1 || ratio > MOST) failed = true;
    const columns = [
      workload.kind.padEnd(8),
      String(seeds * rates).padStart(7),
      String(batchSize).padStart(6),
      ...[predicted, measured].map((bytes) => (bytes / 1e6).toFixed(0).padStart(12)),
      ratio.toFixed(2).padStart(6),
    ];
    console.log(columns.join(' '));
  }
process.exitCode = failed ? 1 : 0;
