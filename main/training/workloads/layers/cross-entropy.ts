/** Losses of classifiers. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../engine/tensorflow.ts';

/**
 * Mean softmax cross-entropy of each cell over its examples, in nats.
 * logits: [G·K, classes, B]; oneHot: [G, classes, B] shared by the K cells of a group. Returns [G·K].
 * The gradient (softmax − oneHot)/B is given outright: shorter and steadier than differentiating log-sum-exp.
 */
export function softmaxCrossEntropy(tf: TensorFlow, logits: Tensor, oneHot: Tensor): Tensor {
  const [cells, classes, examples] = logits.shape;
  const groups = oneHot.shape[0];
  const grouped = [groups, cells / groups, classes, examples];
  return tf.customGrad((input, save) => {
    const x = tf.reshape(input as Tensor, grouped);
    const target = tf.reshape(oneHot, [groups, 1, classes, examples]);
    const shifted = tf.sub(x, tf.max(x, 2, true));
    const exponentials = tf.exp(shifted);
    const total = tf.sum(exponentials, 2, true);
    const picked = tf.sum(tf.mul(shifted, target), 2, true);
    const loss = tf.mean(tf.reshape(tf.sub(tf.log(total), picked), [cells, examples]), 1);
    const difference = tf.reshape(tf.sub(tf.div(exponentials, total), target), [cells, classes, examples]);
    (save as (t: Tensor[]) => void)([difference]);
    return {
      value: loss,
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        tf.mul(saved[0], tf.div(tf.reshape(dy, [cells, 1, 1]), examples)),
    };
  })(logits);
}
