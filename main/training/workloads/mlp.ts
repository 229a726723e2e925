/** Multi-layer perceptron with softmax cross-entropy, any depth; hidden: [] is softmax regression. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { ClassificationData } from '../data/classification.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import type { Network } from './classifier.ts';
import { relu } from './layers/activation.ts';
import { dense, sharedProduct } from './layers/dense.ts';

export interface MlpOptions {
  readonly hidden: readonly number[];
  readonly activation: 'relu' | 'tanh';
}

export function mlp(options: MlpOptions, data: Pick<ClassificationData, 'features' | 'classes'>): Network {
  const widths = [data.features, ...options.hidden, data.classes];
  const layers = widths.length - 1;
  const activate = (tf: TensorFlow, x: Tensor) => (options.activation === 'relu' ? relu(tf, x) : tf.tanh(x));
  return {
    parameters: Array.from({ length: layers }, (_, l) => [
      {
        name: `weights${l + 1}`,
        shape: [widths[l + 1], widths[l]],
        // He initialisation for relu (arXiv 1502.01852), Glorot-like 1/fan-in for tanh.
        start: { deviation: Math.sqrt((options.activation === 'relu' ? 2 : 1) / widths[l]) },
      },
      { name: `bias${l + 1}`, shape: [widths[l + 1], 1], start: { constant: 0 } },
    ]).flat(),
    buffers: [],
    widest: Math.max(...widths.slice(1)),
    logits(tf, { parameters: p }, images, _training, drop) {
      let x = tf.add(sharedProduct(tf, p[0], images, true), p[1]);
      for (let l = 1; l < layers; l++) x = dense(tf, p[2 * l], p[2 * l + 1], drop(activate(tf, x)));
      return { logits: x, buffers: [] };
    },
  };
}
