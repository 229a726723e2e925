/** Mappings of published sweeps: column names and rules only. The files themselves are not part of the product. */
import type { ImportMappingInput } from './mapping.ts';

export interface ImportPreset {
  readonly name: string;
  readonly title: string;
  /** Name that the file usually has; null for formats of which there are many files. */
  readonly fileName: string | null;
  readonly mapping: ImportMappingInput;
}

export const IMPORT_PRESETS: readonly ImportPreset[] = [
  {
    name: 'tensorboard',
    title: 'TensorBoard event files in a folder of runs',
    fileName: null,
    mapping: {
      format: 'tensorboard',
      columns: { learningRate: 'learningRate', batchSize: 'batchSize', step: 'step', loss: 'loss' },
    },
  },
  {
    name: 'wandb-chart',
    title: 'Weights & Biases, CSV export of a chart: one column a run',
    fileName: null,
    mapping: {
      format: 'wandb-chart',
      columns: { learningRate: 'learningRate', batchSize: 'batchSize', step: 'step', loss: 'loss' },
    },
  },
  {
    name: 'wandb-runs',
    title: 'Weights & Biases, CSV export of the run table: one row a run',
    fileName: null,
    mapping: {
      columns: { learningRate: 'lr', batchSize: 'batch_size', loss: 'loss' },
      failures: [
        { label: 'crashed', column: 'State', equals: 'crashed' },
        { label: 'failed', column: 'State', equals: 'failed' },
        { label: 'killed', column: 'State', equals: 'killed' },
      ],
    },
  },
  {
    name: 'steplaw-dense',
    title: 'Step Law, dense language models (arXiv 2503.04715): 17 families at equal tokens',
    fileName: 'steplaw_dense_lr_bs_loss.csv',
    mapping: {
      columns: { learningRate: 'lr', batchSize: 'bs', loss: 'smooth loss', step: 'ti', tokens: 'D' },
      batch: { unit: 'sequences', tokensPerUnit: 2048 },
      families: ['N', 'D'],
      // Failed runs are finite: every other smoothed loss is below 3.2.
      failures: [{ label: 'diverged', column: 'smooth loss', above: 4 }],
    },
  },
  {
    name: 'cbs-steps-to-target',
    title: 'Critical batch size, steps to a validation loss (arXiv 2410.21676): 5 model sizes',
    fileName: 'cbs_steps_to_target.csv',
    mapping: {
      columns: { batchSize: 'batch_size_sequences', stepsToTarget: 'steps_to_target', tokens: 'tokens' },
      batch: { unit: 'sequences', tokensPerUnit: 512 },
      families: ['model'],
    },
  },
  {
    name: 'mnist-sgd-line-search',
    title: 'MNIST, SGD: line search at frozen checkpoints',
    fileName: 'ushakova_mnist_sgd_aggregate_results.csv',
    mapping: {
      columns: {
        learningRate: 'epsilon',
        batchSize: 'batch_size',
        loss: 'mean_loss_change',
        lossError: 'stderr_loss_change',
      },
      batch: { unit: 'samples' },
      families: ['checkpoint_step'],
      failures: [{ label: 'overshoot', column: 'mean_loss_change', above: 1 }],
    },
  },
  {
    name: 'opda-alexnet',
    title: 'AlexNet on ImageNet, SGD: random search over 512 runs',
    fileName: 'opda_alexnet_summary.csv',
    mapping: {
      // Label smoothing varies and raises the loss, so runs are compared by accuracy.
      columns: { learningRate: 'lr', batchSize: 'batch_size', loss: 'final_top_1' },
      goal: 'maximize',
      batch: { unit: 'samples' },
      failures: [
        { label: 'diverged', column: 'nan_train_loss', equals: 'true' },
        { label: 'collapsed', column: 'final_top_1', below: 0.0011 },
      ],
      // Random search: every learning rate occurs once and is its own.
      learningRateTolerance: 0,
    },
  },
];

/** Whether a file name is that of a TensorBoard event file. */
export function isEventFile(fileName: string): boolean {
  return fileName.includes('.tfevents.');
}

/** The preset for a file of this name, if there is one. */
export function presetFor(fileName: string): ImportPreset | undefined {
  const base = fileName.split(/[\\/]/).at(-1) ?? '';
  if (isEventFile(base)) return IMPORT_PRESETS.find((preset) => preset.name === 'tensorboard');
  return IMPORT_PRESETS.find((preset) => preset.fileName === base);
}
