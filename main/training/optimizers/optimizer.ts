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

/**
 * g ← g + coupledDecay·theta, then theta ← (1 − lr·decay)·theta − rate·update(g), all with theta before the step;
 * rate = min(lr, rateCap(t)). With a schedule, lr is the scheduled rate.
 */
export interface Optimizer {
  readonly transformation: Transformation;
  /** Coupled weight decay; 0 is none. */
  readonly coupledDecay: number;
  /** Decoupled weight decay (arXiv 1711.05101); 0 is none. */
  readonly decay: number;
  /** Highest rate at step t (1 is the first); null is no cap. */
  readonly rateCap: ((step: number) => number) | null;
}

export function plain(transformation: Transformation, coupledDecay = 0): Optimizer {
  return { transformation, coupledDecay, decay: 0, rateCap: null };
}

export function optimizerFor(specification: OptimizerSpecification): Optimizer {
  switch (specification.kind) {
    case 'external':
      throw new Error(`the optimizer "${specification.name}" is that of an external program`);
    case 'sgd':
      return plain(identity(), specification.weightDecay);
    case 'momentum':
      return plain(trace(specification.momentum), specification.weightDecay);
    case 'ema-momentum':
      return plain(exponentialMean(specification.beta), specification.weightDecay);
    case 'nesterov':
      return plain(trace(specification.momentum, true), specification.weightDecay);
    case 'sign':
      return plain(scaleBySign(), specification.weightDecay);
    case 'signum':
      return plain(chain(exponentialMean(specification.beta), scaleBySign()), specification.weightDecay);
    case 'adam':
      return plain(
        scaleByAdam(specification.beta1, specification.beta2, specification.epsilon),
        specification.weightDecay,
      );
    case 'adamw':
      return {
        ...plain(scaleByAdam(specification.beta1, specification.beta2, specification.epsilon)),
        decay: specification.weightDecay,
      };
    case 'adagrad':
      return plain(scaleByAdagrad(specification.epsilon), specification.weightDecay);
    case 'rmsprop':
      return plain(
        scaleByRootMeanSquare(specification.alpha, specification.epsilon),
        specification.weightDecay,
      );
    case 'lion':
      return {
        ...plain(scaleByLion(specification.beta1, specification.beta2)),
        decay: specification.weightDecay,
      };
    case 'adafactor':
      return {
        ...plain(scaleByAdafactor(specification)),
        decay: specification.weightDecay,
        rateCap: (step) => 1 / Math.sqrt(step),
      };
  }
}
