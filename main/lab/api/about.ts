/** The lab about itself: versions, engine, settings, the store and its backups. */
import { readdirSync, statfsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { AboutLab, StoreState } from '#shared/api/types.ts';
import type { Lab } from '../lab.ts';
import { measuredSpeeds } from '../scheduler/measured-speeds.ts';
import { backupsOf } from '../store/migrate.ts';
import type { ReadableStore } from '../store/types.ts';

export function about(lab: Lab): AboutLab {
  return {
    version: lab.options.version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    engine: lab.engineState(),
    settings: lab.settings,
    store: storeState(lab.store, lab.access),
    speeds: measuredSpeeds(),
  };
}

export function storeState({ file, spoolFolder }: ReadableStore, access: 'write' | 'read'): StoreState {
  const { bavail, bsize } = statfsSync(dirname(file));
  return {
    file,
    bytes: sizeOf(file) + sizeOf(`${file}-wal`),
    spoolBytes: folderSize(spoolFolder),
    freeBytes: bavail * bsize,
    access,
    backups: backupsOf(file).map((path) => {
      const { size, mtimeMs } = statSync(path);
      return { name: basename(path), bytes: size, time: Math.round(mtimeMs) };
    }),
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function folderSize(folder: string): number {
  try {
    return readdirSync(folder).reduce((sum, name) => sum + sizeOf(join(folder, name)), 0);
  } catch {
    return 0;
  }
}
