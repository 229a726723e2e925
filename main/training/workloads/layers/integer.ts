/** Whole-number arithmetic inside a program: bit operations, which TensorFlow.js lacks and TensorFlow has. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { NodeBackend, TensorFlow } from '../../engine/tensorflow.ts';

/** tensorflow.DataType of int32. */
const INT32 = 3;

/** Of two int32 tensors that broadcast. A right shift repeats the sign. */
export function bitwise(
  tf: TensorFlow,
  operation: 'BitwiseAnd' | 'BitwiseXor' | 'RightShift',
  a: Tensor,
  b: Tensor,
): Tensor {
  const backend = tf.backend() as unknown as NodeBackend;
  const type = { name: 'T', type: backend.binding.TF_ATTR_TYPE, value: INT32 };
  return backend.executeSingleOutput(operation, [type], [a, b]);
}

export function integer(tf: TensorFlow, value: number): Tensor {
  return tf.scalar(value | 0, 'int32');
}

/** Small enough to be written into a program. */
const WRITTEN = 1024;

/** int32 [count]: 0, 1, 2, … */
export function counting(tf: TensorFlow, count: number): Tensor {
  const written = (n: number) =>
    tf.tensor(
      Int32Array.from({ length: n }, (_, i) => i),
      [n],
      'int32',
    );
  if (count <= WRITTEN) return written(count);
  const rows = Math.ceil(count / WRITTEN);
  const high = rows <= WRITTEN ? written(rows) : counting(tf, rows);
  const first = tf.mul(tf.reshape(high, [rows, 1]), integer(tf, WRITTEN));
  const all = tf.reshape(tf.add(first, tf.reshape(written(WRITTEN), [1, WRITTEN])), [rows * WRITTEN]);
  return tf.slice(all, [0], [count]);
}

/**
 * A bijection of 32-bit words in which every bit depends on every other (Wellons, "hash-prospector", constants of
 * lowbias32): equal words give equal words, near ones unrelated ones.
 */
export function scrambled(tf: TensorFlow, words: Tensor): Tensor {
  // The shift must bring in zeros.
  const folded = (x: Tensor, by: number) =>
    bitwise(
      tf,
      'BitwiseXor',
      x,
      bitwise(
        tf,
        'BitwiseAnd',
        bitwise(tf, 'RightShift', x, integer(tf, by)),
        integer(tf, 2 ** (32 - by) - 1),
      ),
    );
  const first = tf.mul(folded(words, 16), integer(tf, 0x7feb352d));
  const second = tf.mul(folded(first, 15), integer(tf, 0x846ca68b));
  return folded(second, 16);
}
