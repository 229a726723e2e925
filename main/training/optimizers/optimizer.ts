/** From an optimizer's specification to the rule that a stack's step applies. */
import type { OptimizerSpecification } from '#shared/experiment/specification.ts';
import type { Transformation } from './transformation.ts';
import { identity, scaleByAdam, scaleBySign, trace } from './transformation.ts';

export function optimizerFor(specification: OptimizerSpecification): Transformation {
  switch (specification.kind) {
    case 'sgd':
      return identity();
    case 'momentum':
      return trace(specification.momentum);
    case 'sign':
      return scaleBySign();
    case 'adam':
      return scaleByAdam(specification.beta1, specification.beta2, specification.epsilon);
  }
}
