/** What a page saves goes where a person says, and starts where the last file went. */
import { app, dialog, type Session } from 'electron';
import { dirname, join } from 'node:path';
import type { Windows } from './windows.ts';

export function askWhereToSave(session: Session, windows: Pick<Windows, 'folder' | 'rememberFolder'>): void {
  session.on('will-download', (_event, item) => {
    const name = safeName(item.getFilename());
    // Without a path of ours the system's own dialog asks, and asks again before it replaces a file.
    item.setSaveDialogOptions({ defaultPath: join(windows.folder ?? app.getPath('downloads'), name) });
    item.once('done', (_done, state) => {
      if (state === 'completed') windows.rememberFolder(dirname(item.getSavePath()));
      if (state === 'interrupted')
        void dialog.showMessageBox({
          type: 'warning',
          message: `“${name}” could not be saved.`,
          detail:
            'The folder may be full or read-only. Nothing in the lab was changed: save it again elsewhere.',
        });
    });
  });
}

/** The page proposes a name, never a place. */
function safeName(proposed: string): string {
  const last = proposed.replaceAll('\\', '/').split('/').at(-1) ?? '';
  const name = last.replace(/[\p{Cc}\p{Cf}<>:"|?*]/gu, '_');
  return /^[.\s]*$/.test(name) ? 'surge-lab' : name;
}
