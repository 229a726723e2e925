/** Multinomial logistic regression, a convex control: softmax of one linear layer that starts at zero. */
import type { ClassificationData } from '../data/classification.ts';
import type { Network } from './classifier.ts';
import { mlp } from './mlp.ts';

export function logistic(data: Pick<ClassificationData, 'features' | 'classes'>): Network {
  const network = mlp({ hidden: [], activation: 'relu' }, data);
  return {
    ...network,
    parameters: network.parameters.map((parameter) => ({ ...parameter, start: { constant: 0 } })),
  };
}
