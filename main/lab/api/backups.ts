/** Backups of the store, made and put back from a window. */
import type { StoreState } from '#shared/api/types.ts';
import { ApiError } from '#shared/api/errors.ts';
import type { Lab } from '../lab.ts';
import { backupName, restoreBackup } from '../store/backup.ts';
import { storeState } from './about.ts';

export async function backUp(lab: Lab): Promise<StoreState> {
  const writer = lab.writer();
  await writer.backup(backupName(writer.file));
  return storeState(lab.store, lab.access);
}

/**
 * What the journal and the spools know and the backup does not is added to it again, so this repairs a store and loses
 * nothing; it does not go back in time.
 */
export function restore(lab: Lab, name: string): StoreState {
  if (lab.isTraining)
    throw new ApiError(
      'not-possible',
      'An experiment is being trained: pause it before a backup is put back.',
    );
  const { file } = lab.writer();
  if (!storeState(lab.store, lab.access).backups.some((backup) => backup.name === name))
    throw new ApiError('not-found', `There is no backup ${name} beside the store.`, 'backup');
  lab.reopenStore(() => restoreBackup(file, name));
  return storeState(lab.store, lab.access);
}
