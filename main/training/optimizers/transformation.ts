/**
 * Optimizers as chains of pure parts, each turning a gradient into an update, in the manner of Optax. A part never
 * touches the learning rate: the optimizer applies theta ← theta − lr·update at the end, so a learning rate is one
 * input a cell and never frozen into a program.
 */
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../engine/tensorflow.ts';

export interface Slot {
  readonly name: string;
  /** Shape of one cell. */
  readonly shape: readonly number[];
}

export interface PartInputs {
  /** State of this part for this parameter, each [cells, …slot shape]. */
  readonly slots: readonly Tensor[];
  /** Scalar tensors in the order of `scalars`. */
  readonly scalars: readonly Tensor[];
  /** The parameter before the step, [cells, …shape]. */
  readonly parameter: Tensor;
}

export interface Transformation {
  /** State kept for a parameter of this shape (one cell), zero at the start. */
  slots(shape: readonly number[]): readonly Slot[];
  /** Numbers that depend on the step only; they are inputs of the program. */
  readonly scalars: readonly string[];
  /** Their values at step `step` (1 is the first), computed in double precision. */
  scalarValues(step: number): number[];
  /** Cells never mix. Returns the new update and the new slots. */
  apply(tf: TensorFlow, update: Tensor, inputs: PartInputs): { update: Tensor; slots: Tensor[] };
}

/** A part without state and without scalars. */
function stateless(apply: (tf: TensorFlow, update: Tensor) => Tensor): Transformation {
  return {
    slots: () => [],
    scalars: [],
    scalarValues: () => [],
    apply: (tf, update) => ({ update: apply(tf, update), slots: [] }),
  };
}

/** A part with one slot of the parameter's shape; `next` gives the new slot, `read` the update. */
function accumulating(
  name: string,
  next: (tf: TensorFlow, slot: Tensor, gradient: Tensor) => Tensor,
  read: (tf: TensorFlow, slot: Tensor, gradient: Tensor) => Tensor,
): Transformation {
  return {
    slots: (shape) => [{ name, shape }],
    scalars: [],
    scalarValues: () => [],
    apply(tf, gradient, { slots: [previous] }) {
      const slot = next(tf, previous, gradient);
      return { update: read(tf, slot, gradient), slots: [slot] };
    },
  };
}

/** One part after the other; state and scalars in the order of the parts. */
export function chain(...parts: readonly Transformation[]): Transformation {
  return {
    slots: (shape) => parts.flatMap((part) => part.slots(shape)),
    scalars: parts.flatMap((part) => part.scalars),
    scalarValues: (step) => parts.flatMap((part) => part.scalarValues(step)),
    apply(tf, gradient, { slots, scalars, parameter }) {
      let update = gradient;
      let slot = 0;
      let scalar = 0;
      const next: Tensor[] = [];
      for (const part of parts) {
        const count = part.slots(parameter.shape.slice(1)).length;
        const result = part.apply(tf, update, {
          slots: slots.slice(slot, (slot += count)),
          scalars: scalars.slice(scalar, (scalar += part.scalars.length)),
          parameter,
        });
        update = result.update;
        next.push(...result.slots);
      }
      return { update, slots: next };
    },
  };
}

/** update ← g: plain gradient descent. */
export function identity(): Transformation {
  return stateless((_tf, update) => update);
}

/** update ← sign(g) with sign(0) = 0 and sign(NaN) = NaN (arXiv 2405.14578, eq 5). */
export function scaleBySign(): Transformation {
  return stateless((tf, update) => tf.sign(update));
}

/** Heavy ball: m ← momentum·m + g, update ← m; with Nesterov's look ahead update ← g + momentum·m. */
export function trace(momentum: number, nesterov = false): Transformation {
  return accumulating(
    'trace',
    (tf, slot, gradient) => tf.add(tf.mul(slot, momentum), gradient),
    (tf, slot, gradient) => (nesterov ? tf.add(gradient, tf.mul(slot, momentum)) : slot),
  );
}

/** Mean of the gradients so far, m ← β m + (1−β) g without bias correction; update ← m. */
export function exponentialMean(beta: number): Transformation {
  return accumulating(
    'mean',
    (tf, slot, gradient) => tf.add(tf.mul(slot, beta), tf.mul(gradient, 1 - beta)),
    (_tf, slot) => slot,
  );
}

/** Adagrad (Duchi, Hazan, Singer 2011): s ← s + g², update ← g / (√s + ε). */
export function scaleByAdagrad(epsilon: number): Transformation {
  return accumulating(
    'sumOfSquares',
    (tf, slot, gradient) => tf.add(slot, tf.square(gradient)),
    (tf, slot, gradient) => tf.div(gradient, tf.add(tf.sqrt(slot), epsilon)),
  );
}

/** RMSProp: s ← α s + (1−α) g² without bias correction, update ← g / (√s + ε), epsilon outside the root. */
export function scaleByRootMeanSquare(alpha: number, epsilon: number): Transformation {
  return accumulating(
    'secondMoment',
    (tf, slot, gradient) => tf.add(tf.mul(slot, alpha), tf.mul(tf.square(gradient), 1 - alpha)),
    (tf, slot, gradient) => tf.div(gradient, tf.add(tf.sqrt(slot), epsilon)),
  );
}

/** Lion (arXiv 2302.06675): update ← sign(β1 m + (1−β1) g), then m ← β2 m + (1−β2) g. */
export function scaleByLion(beta1: number, beta2: number): Transformation {
  return {
    slots: (shape) => [{ name: 'mean', shape }],
    scalars: [],
    scalarValues: () => [],
    apply(tf, gradient, { slots: [mean] }) {
      const blend = (beta: number) => tf.add(tf.mul(mean, beta), tf.mul(gradient, 1 - beta));
      return { update: tf.sign(blend(beta1)), slots: [blend(beta2)] };
    },
  };
}

/**
 * Adam (arXiv 1412.6980, algorithm 1): m ← β1 m + (1−β1) g, v ← β2 v + (1−β2) g²,
 * update ← m̂ / (√v̂ + ε) with m̂ = m/(1−β1^t), v̂ = v/(1−β2^t); epsilon stands outside the root.
 */
export function scaleByAdam(beta1: number, beta2: number, epsilon: number): Transformation {
  return {
    slots: (shape) => [
      { name: 'firstMoment', shape },
      { name: 'secondMoment', shape },
    ],
    scalars: ['firstCorrection', 'secondCorrection'],
    scalarValues: (step) => [1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)],
    apply(tf, gradient, { slots: [first, second], scalars: [firstCorrection, secondCorrection] }) {
      const m = tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1));
      const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
      const denominator = tf.add(tf.sqrt(tf.mul(v, secondCorrection)), epsilon);
      return { update: tf.div(tf.mul(m, firstCorrection), denominator), slots: [m, v] };
    },
  };
}

export interface AdafactorOptions {
  /** Weight of the newest squared gradient at step t is t^beta2Decay. */
  readonly beta2Decay: number;
  /** Floor of the second moment (squared) and of the parameter's root mean square. */
  readonly epsilon1: number;
  readonly epsilon2: number;
  /** The update's root mean square is cut to this. */
  readonly clip: number;
}

/**
 * Adafactor (arXiv 1804.04235) as PyTorch has it: second moments of a matrix as one number a row and a column,
 * U = g/√max(R C/mean(R), ε1²), update ← max(ε2, RMS(theta))·U/max(1, RMS(U)/clip). A parameter with one row or one
 * column keeps the full second moment. The learning rate is capped at 1/√t by the optimizer.
 */
export function scaleByAdafactor({ beta2Decay, epsilon1, epsilon2, clip }: AdafactorOptions): Transformation {
  const isMatrix = (shape: readonly number[]) => shape.length === 2 && shape[0] > 1 && shape[1] > 1;
  return {
    slots: (shape) =>
      isMatrix(shape)
        ? [
            { name: 'rowSecondMoment', shape: [shape[0], 1] },
            { name: 'columnSecondMoment', shape: [1, shape[1]] },
          ]
        : [{ name: 'secondMoment', shape }],
    scalars: ['newest'],
    scalarValues: (step) => [step ** beta2Decay],
    apply(tf, gradient, { slots, scalars: [newest], parameter }) {
      const squares = tf.square(gradient);
      const towards = (slot: Tensor, value: Tensor) => tf.add(slot, tf.mul(newest, tf.sub(value, slot)));
      const axes = parameter.shape.map((_, axis) => axis).slice(1);
      const rootMeanSquare = (t: Tensor) => tf.sqrt(tf.mean(tf.square(t), axes, true));
      let next: Tensor[];
      let second: Tensor;
      if (isMatrix(parameter.shape.slice(1))) {
        const rows = towards(slots[0], tf.mean(squares, 2, true));
        const columns = towards(slots[1], tf.mean(squares, 1, true));
        next = [rows, columns];
        second = tf.div(tf.mul(rows, columns), tf.maximum(tf.mean(rows, 1, true), epsilon1));
      } else {
        second = towards(slots[0], squares);
        next = [second];
      }
      const scaled = tf.div(gradient, tf.sqrt(tf.maximum(second, epsilon1 ** 2)));
      const size = tf.maximum(rootMeanSquare(parameter), epsilon2);
      const cut = tf.maximum(tf.div(rootMeanSquare(scaled), clip), 1);
      return { update: tf.mul(scaled, tf.div(size, cut)), slots: next };
    },
  };
}
