/** Text as sequences of tokens: a training part and a held-out part, cut into windows of one length. */
import { createHash } from 'node:crypto';
import { DataError } from './classification.ts';

export interface TokenData {
  readonly vocabulary: number;
  /** Tokens that a model sees of one sequence; a window has one more, the last target. */
  readonly context: number;
  /** int32 [sequences, context + 1]. */
  readonly training: Int32Array;
  readonly trainingSequences: number;
  readonly evaluation: Int32Array;
  readonly evaluationSequences: number;
  readonly checksum: string;
}

/** Tokens of a whole text, and of a held-out one where there is one of its own. */
export interface TokenText {
  /** Where it comes from, for messages. */
  readonly name: string;
  readonly vocabulary: number;
  readonly tokens: Int32Array;
  readonly heldOut: Int32Array | null;
}

/**
 * Windows follow each other without overlap (but for the last target, which is the next one's first token). Without a
 * held-out text the last `evaluationSequences` windows are held out, so that nothing of them is ever trained on.
 */
export function tokenData(text: TokenText, context: number, evaluationSequences: number): TokenData {
  const held = text.heldOut ?? text.tokens;
  const available = windowCount(held, context);
  if (available < evaluationSequences + (text.heldOut === null ? 1 : 0))
    throw new DataError(
      `evaluation.examples: ${evaluationSequences} sequences of ${context} tokens cannot be held out of ${text.name}, which has ${available}${text.heldOut === null ? '; at least one must be left for training' : ''}`,
    );
  const cut =
    text.heldOut === null ? text.tokens.length - evaluationSequences * context - 1 : text.tokens.length;
  // The first held-out token may be a target of training, as the last of its window.
  const forTraining = text.tokens.subarray(0, text.heldOut === null ? cut + 1 : cut);
  const trainingSequences = windowCount(forTraining, context);
  if (trainingSequences === 0)
    throw new DataError(
      `${text.name}: has ${text.tokens.length} tokens, too few for one sequence of ${context} and its last target`,
    );
  const training = windows(forTraining, context, trainingSequences);
  const evaluation = windows(text.heldOut === null ? held.subarray(cut) : held, context, evaluationSequences);
  const hash = createHash('sha256').update(`${text.vocabulary}/${context}/`);
  for (const part of [training, evaluation])
    hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  return {
    vocabulary: text.vocabulary,
    context,
    training,
    trainingSequences,
    evaluation,
    evaluationSequences,
    checksum: hash.digest('hex'),
  };
}

function windowCount(tokens: Int32Array, context: number): number {
  return Math.max(0, Math.floor((tokens.length - 1) / context));
}

function windows(tokens: Int32Array, context: number, count: number): Int32Array {
  const out = new Int32Array(count * (context + 1));
  for (let w = 0; w < count; w++)
    out.set(tokens.subarray(w * context, (w + 1) * context + 1), w * (context + 1));
  return out;
}
