/** Convolutions with stride 2, kernels of 1 or 3 pixels and zero padding: an image of side n becomes one of ceil(n/2). */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../engine/tensorflow.ts';
import { shifted } from './convolution.ts';

/** Along one axis, kernel position k reads phase `phase` (even or odd pixels), shifted by `shift` output pixels. */
const taps = {
  1: [{ phase: 0, shift: 0 }],
  3: [
    { phase: 1, shift: -1 },
    { phase: 0, shift: 0 },
    { phase: 1, shift: 0 },
  ],
} as const;

/**
 * weights: [cells, out, kernel²·in], columns ordered (row of the kernel, column, channel); x: [cells, in, height, width,
 * examples]. Even and odd rows and columns are taken apart first, so that all that follows are shifts.
 */
export function stridedConvolution(tf: TensorFlow, weights: Tensor, x: Tensor, kernel: 1 | 3): Tensor {
  const [cells, channels, height, width, examples]: number[] = x.shape;
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const pixels = rows * columns * examples;
  const padding: [number, number][] = [
    [0, 0],
    [0, 0],
    [0, 2 * rows - height],
    [0, 2 * columns - width],
    [0, 0],
  ];
  const even = padding.some(([, after]) => after > 0) ? tf.pad(x, padding) : x;
  const positions = taps[kernel].flatMap((row) => taps[kernel].map((column) => ({ row, column })));
  const image = [cells, channels, rows, columns, examples];
  const lines = cells * channels * rows;

  const result = tf.customGrad((w, input, save) => {
    const split = tf.reshape(input as Tensor, [lines, 2, columns, 2, examples]);
    const patches = positions.map(({ row, column }) => {
      const phase = tf.slice(split, [0, row.phase, 0, column.phase, 0], [lines, 1, columns, 1, examples]);
      return shifted(tf, shifted(tf, tf.reshape(phase, image), row.shift, 2), column.shift, 3);
    });
    const joined = tf.reshape(tf.concat(patches, 1), [cells, -1, pixels]);
    (save as (t: Tensor[]) => void)([w as Tensor, joined]);
    return {
      value: tf.matMul(w as Tensor, joined),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const spread = tf.matMul(saved[0], dy, true);
        const phaseGradient = (row: number, column: number): Tensor => {
          const parts = positions.flatMap((position, i) => {
            if (position.row.phase !== row || position.column.phase !== column) return [];
            const part = tf.slice(spread, [0, i * channels, 0], [cells, channels, pixels]);
            const back = shifted(tf, tf.reshape(part, image), -position.row.shift, 2);
            return [shifted(tf, back, -position.column.shift, 3)];
          });
          const sum = parts.reduce<Tensor | null>(
            (total, part) => (total === null ? part : tf.add(total, part)),
            null,
          );
          return tf.reshape(sum ?? tf.zerosLike(phaseGradient(0, 0)), [lines, 1, columns, 1, examples]);
        };
        const lineOf = (row: number) => tf.concat([phaseGradient(row, 0), phaseGradient(row, 1)], 3);
        const whole = tf.concat([lineOf(0), lineOf(1)], 1);
        return [
          tf.matMul(dy, saved[1], false, true),
          tf.reshape(whole, [cells, channels, 2 * rows, 2 * columns, examples]),
        ];
      },
    };
  })(weights, even);
  return tf.reshape(result, [cells, -1, rows, columns, examples]);
}
