/** Whatever is thrown behind the door, as what a window is told. */
import { ApiError, type ApiErrorCode } from '#shared/api/errors.ts';
import { SetupError } from '#main/setup/setup-error.ts';
import { MappingError } from '../import-file.ts';
import { SlurmError } from '../slurm/queue.ts';
import { SweepFolderError } from '../slurm/sweep-folder.ts';
import { asStoreError, StoreError, type StoreErrorCode } from '../store/index.ts';

const storeCodes: Readonly<Record<StoreErrorCode, ApiErrorCode>> = {
  missing: 'not-found',
  'unknown-experiment': 'not-found',
  'ambiguous-experiment': 'not-found',
  'unknown-stack': 'not-found',
  locked: 'read-only',
  'read-only': 'read-only',
  busy: 'not-possible',
  'disk-full': 'disk-full',
  'not-a-database': 'damaged-store',
  'not-a-store': 'damaged-store',
  damaged: 'damaged-store',
  'spool-replaced': 'damaged-store',
  'nothing-to-rebuild': 'damaged-store',
  'from-the-future': 'not-possible',
  'needs-migration': 'not-possible',
  'migration-failed': 'damaged-store',
  imported: 'not-possible',
  'not-imported': 'not-possible',
  invalid: 'not-possible',
  failed: 'internal',
};

export function toApiError(error: unknown, storeFile: string): ApiError {
  if (error instanceof ApiError) return error;
  const known = asStoreError(error, storeFile);
  if (known instanceof StoreError) return new ApiError(storeCodes[known.code], known.message);
  if (error instanceof SetupError) return new ApiError('engine-missing', `${error.message} ${error.wayOut}`);
  if (error instanceof SlurmError || error instanceof SweepFolderError)
    return new ApiError('not-possible', error.message);
  if (error instanceof MappingError) return new ApiError('bad-argument', error.message);
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError('internal', message);
}
