/** From an optimizer's specification to the rule that a stack's step applies. */
import type { OptimizerSpecification } from '#shared/experiment/specification.ts';
import type { Transformation } from './transformation.ts';
import {
  chain,
  exponentialMean,
  identity,
  scaleByAdafactor,
  scaleByAdagrad,
  scaleByAdam,
  scaleByLion,
  scaleByRootMeanSquare,
  scaleBySign,
  trace,
} from './transformation.ts';

/** theta ← (1 − lr·decay)·theta − rate·update, both with theta before the step; rate = min(lr, rateCap(t)). */
export interface Optimizer {
  readonly transformation: Transformation;
  /** Decoupled weight decay (arXiv 1711.05101); 0 is none. */
  readonly decay: number;
  /** Highest rate at step t (1 is the first); null is no cap. */
  readonly rateCap: ((step: number) => number) | null;
}

export function plain(transformation: Transformation): Optimizer {
  return { transformation, decay: 0, rateCap: null };
}

export function optimizerFor(specification: OptimizerSpecification): Optimizer {
  switch (specification.kind) {
    case 'external':
      throw new Error(`the optimizer "${specification.name}" is that of an external program`);
    case 'sgd':
      return plain(identity());
    case 'momentum':
      return plain(trace(specification.momentum));
    case 'nesterov':
      return plain(trace(specification.momentum, true));
    case 'sign':
      return plain(scaleBySign());
    case 'signum':
      return plain(chain(exponentialMean(specification.beta), scaleBySign()));
    case 'adam':
      return plain(scaleByAdam(specification.beta1, specification.beta2, specification.epsilon));
    case 'adamw':
      return {
        ...plain(scaleByAdam(specification.beta1, specification.beta2, specification.epsilon)),
        decay: specification.weightDecay,
      };
    case 'adagrad':
      return plain(scaleByAdagrad(specification.epsilon));
    case 'rmsprop':
      return plain(scaleByRootMeanSquare(specification.alpha, specification.epsilon));
    case 'lion':
      return {
        ...plain(scaleByLion(specification.beta1, specification.beta2)),
        decay: specification.weightDecay,
      };
    case 'adafactor':
      return {
        transformation: scaleByAdafactor(specification),
        decay: specification.weightDecay,
        rateCap: (step) => 1 / Math.sqrt(step),
      };
  }
}
