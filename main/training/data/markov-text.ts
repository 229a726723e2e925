/**
 * Text of a known structure, a control for language models: a Markov chain whose transition probabilities are drawn
 * once. No model can fall below the chain's entropy rate, and a model that knows the previous token reaches it.
 */
import { stream } from '#shared/random/index.ts';

/** Transition probabilities, row by row [vocabulary × vocabulary]: softmax of `sharpness` times standard normals. */
export function markovTransitions(vocabulary: number, sharpness: number, seed: number): Float64Array {
  const out = new Float64Array(vocabulary * vocabulary);
  stream('markov/transitions', seed).fillNormal(out, 0);
  for (let from = 0; from < vocabulary; from++) {
    const row = out.subarray(from * vocabulary, (from + 1) * vocabulary);
    const total = row.reduce((sum, x) => sum + Math.exp(sharpness * x), 0);
    row.forEach((x, to) => (row[to] = Math.exp(sharpness * x) / total));
  }
  return out;
}

export function markovText(vocabulary: number, length: number, sharpness: number, seed: number): Int32Array {
  const transitions = markovTransitions(vocabulary, sharpness, seed);
  const draws = stream('markov/draws', seed);
  const out = new Int32Array(length);
  let state = 0;
  for (let i = 0; i < length; i++) {
    let rest = draws.uniform(i);
    let next = 0;
    // Rounding may leave a rest behind the last token.
    while (next < vocabulary - 1 && rest >= transitions[state * vocabulary + next])
      rest -= transitions[state * vocabulary + next++];
    out[i] = state = next;
  }
  return out;
}

/** Entropy rate in nats a token: the loss that no model can beat. */
export function markovEntropy(vocabulary: number, sharpness: number, seed: number): number {
  const transitions = markovTransitions(vocabulary, sharpness, seed);
  let occupation = new Float64Array(vocabulary).fill(1 / vocabulary);
  for (let step = 0; step < 1000; step++) {
    const next = new Float64Array(vocabulary);
    for (let from = 0; from < vocabulary; from++)
      for (let to = 0; to < vocabulary; to++)
        next[to] += occupation[from] * transitions[from * vocabulary + to];
    occupation = next;
  }
  return -transitions.reduce(
    (sum, p, i) => sum + occupation[Math.floor(i / vocabulary)] * (p > 0 ? p * Math.log(p) : 0),
    0,
  );
}
