/** The law of each optimizer that the simulator runs, so that theory and simulation stand side by side. */
import { adamLaw } from './adam-law.ts';
import type { LocalLaw } from './lemma1.ts';
import { momentumVariance } from './momentum.ts';
import { bilinearForm, dot, weightedTrace } from './quadratic.ts';
import type { NoisyQuadratic } from './quadratic.ts';
import { sgdLaw } from './sgd.ts';
import { exactSignLaw } from './sign-descent.ts';

export type TheoryOptimizer =
  | { readonly kind: 'sign' }
  | { readonly kind: 'sgd' }
  | { readonly kind: 'signum'; readonly beta1: number }
  | { readonly kind: 'adam'; readonly beta1: number; readonly beta2: number };

/**
 * Local optimum by theory, coordinates independent: exact for sign descent, SGD and Signum (whose averaged gradient is
 * Gaussian with variance a·sigma²/B, so that it is sign descent at B/a); for Adam the limit beta2 → 1.
 */
export function lawOfOptimizer(quadratic: NoisyQuadratic, optimizer: TheoryOptimizer): LocalLaw {
  switch (optimizer.kind) {
    case 'sign':
      return (batchSize) => exactSignLaw(quadratic, batchSize);
    case 'signum': {
      const a = momentumVariance(optimizer.beta1);
      return (batchSize) => exactSignLaw(quadratic, batchSize / a);
    }
    case 'adam':
      return (batchSize) => adamLaw(quadratic, optimizer.beta1, batchSize);
    case 'sgd': {
      const variance = quadratic.sigma.map((sigma) => sigma * sigma);
      return sgdLaw({
        gradientSquare: dot(quadratic.mu, quadratic.mu),
        gradientCurvature: bilinearForm(quadratic, quadratic.mu),
        noiseCurvature: weightedTrace(quadratic, variance),
        noiseTrace: variance.reduce((sum, value) => sum + value, 0),
      }).optimum;
    }
  }
}
