import type { Specification } from '#shared/experiment/specification.ts';
import { StoreError } from './store/index.ts';
import type { Experiment } from './store/types.ts';

/** The specification of an experiment that was trained here. Throws StoreError 'imported' for other people's sweeps. */
export function specificationOf({ name, specification }: Experiment): Specification {
  if (specification !== null) return specification;
  throw new StoreError(
    'imported',
    `"${name}" was imported: it has no specification, so it can be neither trained nor refined here.`,
  );
}
