/** Decoder-only transformers: token and position embeddings, pre-norm blocks, a head that may share the embedding. */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../engine/tensorflow.ts';
import type { Parameter } from './initialization.ts';
import type { LanguageNetwork } from './language-model.ts';
import { gelu, silu } from './layers/activation.ts';
import { causalAttention } from './layers/attention.ts';
import { dense } from './layers/dense.ts';
import { embedding } from './layers/embedding.ts';
import { layerNorm, rmsNorm } from './layers/normalization.ts';
import { balancePenalty, expertWeights } from './layers/routing.ts';

export interface TransformerSize {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly context: number;
  /** The head's weights are the embedding's. */
  readonly tied: boolean;
}

export interface ExpertOptions {
  readonly experts: number;
  /** Experts that a token is routed to. */
  readonly active: number;
  /** Experts that every token passes through. */
  readonly shared: number;
  /** Hidden width of an expert. */
  readonly hidden: number;
  /** Weight of the load-balancing loss. */
  readonly balance: number;
}

/** GPT-2's initialisation: standard deviation of weights and embeddings. */
const DEVIATION = 0.02;
const EXPANSION = 4;

const normal = (deviation: number) => ({ deviation });
const constant = (value: number) => ({ constant: value });

/** A block's second half: parameters and function, which returns the sum to add and a penalty. */
interface FeedForward {
  parameters(block: string): Parameter[];
  widest: number;
  apply(tf: TensorFlow, p: readonly Tensor[], x: Tensor): { y: Tensor; penalty: Tensor | null };
}

/** DistilGPT2-like decoder: layer norm, biases, GELU, learned positions (GPT-2's block, any size). */
export function gpt(size: TransformerSize, vocabulary: number): LanguageNetwork {
  const { width, layers } = size;
  const wide = EXPANSION * width;
  const feedForward: FeedForward = {
    parameters: (block) => [
      { name: `${block}.expand.weights`, shape: [wide, width], start: normal(DEVIATION) },
      { name: `${block}.expand.bias`, shape: [wide, 1], start: constant(0) },
      { name: `${block}.contract.weights`, shape: [width, wide], start: residual(layers) },
      { name: `${block}.contract.bias`, shape: [width, 1], start: constant(0) },
    ],
    widest: wide,
    apply: (tf, [w1, b1, w2, b2], x) => ({
      y: dense(tf, w2, b2, gelu(tf, dense(tf, w1, b1, x))),
      penalty: null,
    }),
  };
  return decoder(size, vocabulary, 'layer', feedForward);
}

/**
 * Mixture of experts: RMS norm, no biases, SwiGLU experts of which each token uses the best few, and shared ones that it
 * always uses (arXiv 2401.04088, arXiv 2401.06066). Every expert computes every token and the weights of those that were
 * not chosen are 0: exact, nothing is dropped, and as fast as routing while experts are small.
 */
export function moe(size: TransformerSize, options: ExpertOptions, vocabulary: number): LanguageNetwork {
  const { width, layers } = size;
  const { experts, active, shared, hidden, balance } = options;
  const routed = experts * hidden;
  const always = shared * hidden;
  const expertParameters = (name: string, hiddenUnits: number): Parameter[] => [
    { name: `${name}.gate`, shape: [hiddenUnits, width], start: normal(DEVIATION) },
    { name: `${name}.up`, shape: [hiddenUnits, width], start: normal(DEVIATION) },
    { name: `${name}.down`, shape: [width, hiddenUnits], start: residual(layers) },
  ];
  const hiddenUnits = (tf: TensorFlow, gate: Tensor, up: Tensor, x: Tensor) =>
    tf.mul(silu(tf, tf.matMul(gate, x)), tf.matMul(up, x));
  const feedForward: FeedForward = {
    parameters: (block) => [
      { name: `${block}.router`, shape: [experts, width], start: normal(DEVIATION) },
      ...expertParameters(`${block}.experts`, routed),
      ...(shared > 0 ? expertParameters(`${block}.shared`, always) : []),
    ],
    widest: routed,
    apply(tf, [router, gate, up, down, sharedGate, sharedUp, sharedDown], x) {
      const [cells, , n]: number[] = x.shape;
      const scores = tf.matMul(router, x);
      const weights = tf.reshape(expertWeights(tf, scores, active), [cells * experts, 1, n]);
      const units = tf.reshape(hiddenUnits(tf, gate, up, x), [cells * experts, hidden, n]);
      const weighted = tf.reshape(tf.mul(units, weights), [cells, routed, n]);
      let y: Tensor = tf.matMul(down, weighted);
      if (shared > 0) y = tf.add(y, tf.matMul(sharedDown, hiddenUnits(tf, sharedGate, sharedUp, x)));
      const penalty = balance === 0 ? null : tf.mul(balancePenalty(tf, scores, active), balance);
      return { y, penalty };
    },
  };
  return decoder(size, vocabulary, 'root-mean-square', feedForward);
}

/** What is added to the residual stream starts smaller the deeper the network (GPT-2). */
function residual(layers: number): Parameter['start'] {
  return normal(DEVIATION / Math.sqrt(2 * layers));
}

function decoder(
  { layers, width, heads, context, tied }: TransformerSize,
  vocabulary: number,
  norm: 'layer' | 'root-mean-square',
  feedForward: FeedForward,
): LanguageNetwork {
  const withBias = norm === 'layer';
  const normParameters = (name: string): Parameter[] => [
    { name: `${name}.scale`, shape: [width, 1], start: constant(1) },
    ...(withBias ? [{ name: `${name}.shift`, shape: [width, 1], start: constant(0) }] : []),
  ];
  const linear = (name: string, out: number, start: Parameter['start']): Parameter[] => [
    { name: `${name}.weights`, shape: [out, width], start },
    ...(withBias ? [{ name: `${name}.bias`, shape: [out, 1], start: constant(0) }] : []),
  ];
  const blocks = Array.from({ length: layers }, (_, l) => `block${l + 1}`);
  const parameters: Parameter[] = [
    { name: 'tokens', shape: [vocabulary, width], start: normal(DEVIATION) },
    { name: 'positions', shape: [width, context], start: normal(DEVIATION) },
    ...blocks.flatMap((block) => [
      ...normParameters(`${block}.norm1`),
      ...linear(`${block}.attention`, 3 * width, normal(DEVIATION)),
      ...linear(`${block}.projection`, width, residual(layers)),
      ...normParameters(`${block}.norm2`),
      ...feedForward.parameters(block),
    ]),
    ...normParameters('norm'),
    ...(tied ? [] : [{ name: 'head', shape: [vocabulary, width], start: normal(DEVIATION) }]),
  ];
  const feedForwardCount = feedForward.parameters('').length;
  return {
    parameters,
    widest: context * Math.max(vocabulary, heads * context, 3 * width, feedForward.widest),
    logits(tf, p, tokens, sequences, drop) {
      const cells = p[0].shape[0];
      let at = 2;
      const take = (count: number) => p.slice(at, (at += count));
      const normalized = (x: Tensor) => {
        const [scale, shift] = take(withBias ? 2 : 1);
        return withBias ? layerNorm(tf, x, scale, shift) : rmsNorm(tf, x, scale);
      };
      const linearOf = (x: Tensor) => {
        const [weights, bias] = take(withBias ? 2 : 1);
        return dense(tf, weights, withBias ? bias : null, x);
      };
      const flat = [cells, width, sequences * context];
      // Where GPT-2 has it, but for the weights of attention: after the embeddings and at the end of each branch.
      let x = drop(
        tf.reshape(
          tf.add(
            tf.reshape(embedding(tf, p[0], tokens), [cells, width, sequences, context]),
            tf.reshape(p[1], [cells, width, 1, context]),
          ),
          flat,
        ),
      );
      let penalty: Tensor | null = null;
      for (let l = 0; l < layers; l++) {
        const joined = linearOf(normalized(x));
        x = tf.add(x, drop(linearOf(causalAttention(tf, joined, { heads, sequences, context }))));
        const inside = normalized(x);
        const result = feedForward.apply(tf, take(feedForwardCount), inside);
        x = tf.add(x, drop(result.y));
        if (result.penalty !== null)
          penalty = penalty === null ? result.penalty : tf.add(penalty, result.penalty);
      }
      const last = normalized(x);
      return { logits: tf.matMul(tied ? p[0] : p[at], last), penalty };
    },
  };
}
