/** What a page saves goes where a person says, and starts where the last file went. */
import { app, type Session } from 'electron';
import { basename, dirname, join } from 'node:path';
import type { Windows } from './windows.ts';

export function askWhereToSave(session: Session, windows: Pick<Windows, 'folder' | 'rememberFolder'>): void {
  session.on('will-download', (_event, item) => {
    // The page proposes a name, never a place.
    const name = basename(item.getFilename().replaceAll('\\', '/'));
    item.setSaveDialogOptions({ defaultPath: join(windows.folder ?? app.getPath('downloads'), name) });
    item.once('done', (_done, state) => {
      if (state === 'completed') windows.rememberFolder(dirname(item.getSavePath()));
    });
  });
}
