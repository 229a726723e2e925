/** What language models share: minibatches of sequences by index, next-token cross-entropy, evaluation in tiles. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TokenData } from '../data/tokens.ts';
import type { TensorFlow } from '../engine/tensorflow.ts';
import { exampleInput, TILE_BYTES } from './batches.ts';
import type { Parameter } from './initialization.ts';
import { initialValues } from './initialization.ts';
import { softmaxCrossEntropy } from './layers/cross-entropy.ts';
import type { Drop } from './layers/dropout.ts';
import { dropoutInput, dropWith, keepAll } from './layers/dropout.ts';
import { oneHot } from './layers/embedding.ts';
import type { StackLayout, Workload } from './workload.ts';

/** A network from tokens to logits of the next ones, for a whole stack. */
export interface LanguageNetwork {
  readonly parameters: readonly Parameter[];
  /** Numbers of the largest activation of one sequence in one cell. */
  readonly widest: number;
  /**
   * tokens: int32 [groups, sequences·context], shared by the cells of a group. Logits: [cells, vocabulary,
   * sequences·context]. `drop` is dropout where there is any. `penalty`, [cells], is added to the loss that is differentiated, not to the one that is shown.
   */
  logits(
    tf: TensorFlow,
    parameters: readonly Tensor[],
    tokens: Tensor,
    sequences: number,
    drop: Drop,
  ): { logits: Tensor; penalty: Tensor | null };
}

/** What is done in training only. */
export interface LanguageTraining {
  /** Sequences of an epoch. */
  readonly subset?: number | undefined;
  /** Share of the activations. */
  readonly dropout?: number | undefined;
}

export function languageModel(
  network: LanguageNetwork,
  data: TokenData,
  layout: StackLayout,
  { subset, dropout }: LanguageTraining = {},
): Workload {
  const { groups, cellsPerGroup, batchSize } = layout;
  const cells = groups * cellsPerGroup;
  const { context, vocabulary } = data;
  const length = context + 1;
  const limit = Math.max(1, Math.floor(TILE_BYTES / (cells * network.widest * 4)));
  const tileCount = Math.ceil(data.evaluationSequences / limit);
  const tileSize = Math.ceil(data.evaluationSequences / tileCount);

  /** Inputs and targets, int32 [groups, sequences·context] each, from windows [groups·sequences, context + 1]. */
  const part = (tf: TensorFlow, windows: Tensor, first: 0 | 1, groupCount: number) => {
    const count = windows.shape[0];
    return tf.reshape(tf.slice(windows, [0, first], [count, context]), [groupCount, -1]);
  };

  return {
    parameters: network.parameters,
    buffers: [],
    initial: (parameter) => initialValues(network.parameters[parameter], layout),
    initialBuffer: () => new Float32Array(0),
    resident: [
      {
        name: 'tokens',
        shape: [data.trainingSequences, length],
        dtype: 'int32',
        values: data.training,
      },
    ],
    batchInputs: [
      exampleInput(layout, data.trainingSequences, subset),
      ...(dropout === undefined ? [] : [dropoutInput(layout)]),
    ],
    lossAndGradients(tf, parameters, [tokens], [examples, words]) {
      const windows = tf.gather(tokens, tf.reshape(examples, [-1]).as1D());
      const inputs = part(tf, windows, 0, groups);
      const targets = oneHot(tf, part(tf, windows, 1, groups), vocabulary);
      const columns = tf.transpose(targets, [0, 2, 1]);
      let loss: Tensor | undefined;
      const gradients = tf.grads((...inside: Tensor[]) => {
        const drop = dropout === undefined ? keepAll : dropWith(tf, dropout, words);
        const { logits, penalty } = network.logits(tf, inside, inputs, batchSize, drop);
        loss = tf.keep(softmaxCrossEntropy(tf, logits, columns));
        return tf.sum(penalty === null ? loss : tf.add(loss, penalty));
      })([...parameters]);
      return { loss: loss!, gradients, buffers: [] };
    },
    evaluationTiles: tileCount,
    evaluationData: [
      {
        name: 'tokens',
        shape: [tileCount, tileSize, length],
        dtype: 'int32',
        values: padded(data.evaluation, tileCount * tileSize * length),
      },
      {
        // Sequences that only fill the last tile weigh nothing; the others share the weight 1.
        name: 'weights',
        shape: [tileCount, tileSize],
        dtype: 'float32',
        values: Float32Array.from({ length: tileCount * tileSize }, (_, i) =>
          i < data.evaluationSequences ? 1 / (data.evaluationSequences * context) : 0,
        ),
      },
    ],
    evaluationMetrics: ['evaluationLoss', 'evaluationAccuracy'],
    evaluate(tf, parameters, [windows, weights]) {
      const { logits } = network.logits(tf, parameters, part(tf, windows, 0, 1), tileSize, keepAll);
      const targets = oneHot(tf, part(tf, windows, 1, 1), vocabulary);
      const columns = tf.transpose(targets, [0, 2, 1]);
      const shifted = tf.sub(logits, tf.max(logits, 1, true));
      const picked = tf.sum(tf.mul(shifted, columns), 1);
      const losses = tf.sub(tf.log(tf.sum(tf.exp(shifted), 1)), picked);
      const right = tf.cast(tf.greaterEqual(picked, 0), 'float32');
      const mean = (t: Tensor) =>
        tf.sum(
          tf.mul(tf.reshape(t, [cells, tileSize, context]), tf.reshape(weights, [1, tileSize, 1])),
          [1, 2],
        );
      return [mean(losses), mean(right)];
    },
  };
}

function padded(values: Int32Array, length: number): Int32Array {
  const out = new Int32Array(length);
  out.set(values);
  return out;
}
