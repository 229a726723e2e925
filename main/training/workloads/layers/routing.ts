/** Routing of tokens to experts; router scores are [cells, experts, n]. Which experts are chosen has no gradient. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../engine/tensorflow.ts';

/** Finite and below any score. */
const EXCLUDED = -1e30;

/** 1 where an expert is among the `count` best of its token, the first of equal ones; 0 elsewhere. */
function chosenExperts(tf: TensorFlow, scores: Tensor, count: number): Tensor {
  const experts = scores.shape[1]!;
  const number = tf.tensor(
    Float32Array.from({ length: experts }, (_, e) => e),
    [1, experts, 1],
  );
  let remaining = scores;
  let chosen = tf.zerosLike(scores);
  for (let i = 0; i < count; i++) {
    const best = tf.equal(remaining, tf.max(remaining, 1, true));
    const first = tf.min(tf.where(best, number, tf.scalar(experts)), 1, true);
    const hit = tf.equal(number, first);
    chosen = tf.add(chosen, tf.cast(hit, 'float32'));
    remaining = tf.where(hit, tf.scalar(EXCLUDED), remaining);
  }
  return chosen;
}

function softmaxOverExperts(tf: TensorFlow, scores: Tensor): Tensor {
  const exponentials = tf.exp(tf.sub(scores, tf.max(scores, 1, true)));
  return tf.div(exponentials, tf.sum(exponentials, 1, true));
}

/** Weights of the experts: softmax over the `count` best scores of a token, 0 for the others (arXiv 2401.04088). */
export function expertWeights(tf: TensorFlow, scores: Tensor, count: number): Tensor {
  return tf.customGrad((input, save) => {
    const chosen = chosenExperts(tf, input as Tensor, count);
    const kept = tf.where(tf.greater(chosen, 0), input as Tensor, tf.scalar(EXCLUDED));
    const weights = softmaxOverExperts(tf, kept);
    (save as (t: Tensor[]) => void)([weights]);
    return {
      value: weights,
      gradFunc: (dy: Tensor, [w]: Tensor[]) => {
        const weighted = tf.mul(dy, w);
        return tf.sub(weighted, tf.mul(w, tf.sum(weighted, 1, true)));
      },
    };
  })(scores);
}

/**
 * Load-balancing loss of each cell (arXiv 2101.03961): experts · Σ (share of the routed tokens · mean probability), 1 when
 * every expert gets the same. The shares are constants, the gradient goes through the probabilities.
 */
export function balancePenalty(tf: TensorFlow, scores: Tensor, count: number): Tensor {
  const [, experts, n]: number[] = scores.shape;
  return tf.customGrad((input, save) => {
    const chosen = chosenExperts(tf, input as Tensor, count);
    const share = tf.div(tf.sum(chosen, 2, true), n * count);
    const probabilities = softmaxOverExperts(tf, input as Tensor);
    const value = tf.mul(tf.sum(tf.mul(share, tf.mean(probabilities, 2, true)), [1, 2]), experts);
    (save as (t: Tensor[]) => void)([probabilities, share]);
    return {
      value,
      gradFunc: (dy: Tensor, [p, f]: Tensor[]) => {
        const slope = tf.mul(f, tf.mul(tf.reshape(dy, [-1, 1, 1]), experts / n));
        return tf.mul(p, tf.sub(slope, tf.sum(tf.mul(p, slope), 1, true)));
      },
    };
  })(scores);
}
