/** Embeddings of tokens that all cells of a group share. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../engine/tensorflow.ts';

/** Up to this vocabulary the gradient is a product with one-hot rows: faster than a scatter, and in a fixed order. */
const ONE_HOT_VOCABULARY = 1024;

/** table: [cells, vocabulary, width]; tokens: int32 [groups, n]. Returns [cells, width, n]. */
export function embedding(tf: TensorFlow, table: Tensor, tokens: Tensor): Tensor {
  const [cells, vocabulary, width]: number[] = table.shape;
  const [groups, n]: number[] = tokens.shape;
  const perGroup = cells / groups;
  // Row of each cell's own table in the tables laid one below the other.
  const firstRows = Int32Array.from({ length: cells }, (_, cell) => cell * vocabulary);
  const first = tf.tensor(firstRows, [groups, perGroup, 1], 'int32');
  const rows = tf.reshape(tf.add(tf.reshape(tokens, [groups, 1, n]), first), [cells * n]).as1D();
  return tf.customGrad((input, save) => {
    (save as (t: Tensor[]) => void)([rows]);
    const flat = (input as Tensor).as2D(cells * vocabulary, width);
    const found = tf.reshape(tf.gather(flat, rows), [cells, n, width]);
    return {
      value: tf.transpose(found, [0, 2, 1]),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        if (vocabulary > ONE_HOT_VOCABULARY) {
          const gradients = tf.reshape(tf.transpose(dy, [0, 2, 1]), [cells * n, width]);
          const sums = tf.unsortedSegmentSum(gradients, saved[0].as1D(), cells * vocabulary);
          return tf.reshape(sums, [cells, vocabulary, width]);
        }
        const shared = tf.reshape(dy, [groups, perGroup * width, n]);
        const sums = tf.matMul(shared, oneHot(tf, tokens, vocabulary));
        return tf.transpose(tf.reshape(sums, [cells, width, vocabulary]), [0, 2, 1]);
      },
    };
  })(table);
}

/** tokens: int32 [groups, n]. Returns float32 [groups, n, vocabulary]. */
export function oneHot(tf: TensorFlow, tokens: Tensor, vocabulary: number): Tensor {
  const [groups, n]: number[] = tokens.shape;
  const hot = tf.oneHot(tf.reshape(tokens, [-1]).as1D().toInt(), vocabulary);
  return tf.cast(tf.reshape(hot, [groups, n, vocabulary]), 'float32');
}
