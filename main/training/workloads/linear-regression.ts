/**
 * Linear least squares, a convex control: loss ½(w·x + b − y)², mean over the minibatch. Starts at zero, so replicates
 * differ in the order of their examples alone.
 */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { RegressionData } from '../data/procedural.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import { exampleInput } from './batches.ts';
import { sharedProduct } from './layers/dense.ts';
import type { StackLayout, Workload } from './workload.ts';

export function linearRegression({ training, evaluation }: RegressionData, layout: StackLayout): Workload {
  const { groups, cellsPerGroup, batchSize } = layout;
  const cells = groups * cellsPerGroup;
  const { features } = training;
  const shapes = [
    [1, features],
    [1, 1],
  ];
  const count = training.targets.length;
  const evaluationCount = evaluation.targets.length;

  /** w·x + b − y, [cells, 1, n]; inputs: [groups, n, features], targets: [groups, n]. */
  const errors = (tf: TensorFlow, [weights, bias]: readonly Tensor[], inputs: Tensor, targets: Tensor) => {
    const [groupCount, n]: number[] = inputs.shape;
    const predicted = tf.add(sharedProduct(tf, weights, inputs, true), bias);
    const wide = tf.sub(
      tf.reshape(predicted, [groupCount, cells / groupCount, n]),
      tf.reshape(targets, [groupCount, 1, n]),
    );
    return tf.reshape(wide, [cells, 1, n]);
  };

  return {
    parameters: [
      { name: 'weights', shape: shapes[0] },
      { name: 'bias', shape: shapes[1] },
    ],
    initial: (parameter) => new Float32Array(cells * shapes[parameter][1]),
    buffers: [],
    initialBuffer: () => new Float32Array(0),
    resident: [
      { name: 'inputs', shape: [count, features], dtype: 'float32', values: training.inputs },
      { name: 'targets', shape: [count], dtype: 'float32', values: training.targets },
    ],
    batchInputs: [exampleInput(layout, count)],
    lossAndGradients(tf, parameters, [inputs, targets], [examples]) {
      const flat = tf.reshape(examples, [-1]).as1D();
      const x = tf.reshape(tf.gather(inputs, flat), [groups, batchSize, features]);
      const y = tf.reshape(tf.gather(targets, flat), [groups, batchSize]);
      const error = errors(tf, parameters, x, y);
      const scaled = tf.div(error, batchSize);
      const grouped = tf.reshape(scaled, [groups, cellsPerGroup, batchSize]);
      return {
        loss: tf.mul(tf.mean(tf.mul(error, error), [1, 2]), 0.5),
        gradients: [tf.reshape(tf.matMul(grouped, x), [cells, 1, features]), tf.sum(scaled, 2, true)],
        buffers: [],
      };
    },
    evaluationTiles: 1,
    evaluationData: [
      {
        name: 'inputs',
        shape: [1, evaluationCount, features],
        dtype: 'float32',
        values: evaluation.inputs,
      },
      { name: 'targets', shape: [1, evaluationCount], dtype: 'float32', values: evaluation.targets },
    ],
    evaluationMetrics: ['evaluationLoss'],
    evaluate(tf, parameters, [inputs, targets]) {
      const x = tf.reshape(inputs, [1, evaluationCount, features]);
      const error = errors(tf, parameters, x, tf.reshape(targets, [1, evaluationCount]));
      return [tf.mul(tf.mean(tf.mul(error, error), [1, 2]), 0.5)];
    },
  };
}
