/** A folder of files or a zip archive of one, read alike. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../classification.ts';
import { openZip } from '../zip.ts';

export interface FileTree {
  /** Names in a folder ('' is the root) in the order of their code units, hidden ones left out; null where there is none. */
  list(path: string): { readonly folders: readonly string[]; readonly files: readonly string[] } | null;
  read(path: string): Buffer;
  /** What changes when a file does; '' where the whole archive has one mark. */
  mark(path: string): string;
  /** How messages call a path. */
  name(path: string): string;
}

/** `prefix` is the folder of the archive that counts as root. Throws a DataError when there is no such folder or archive. */
export function openTree(root: string, prefix = ''): FileTree & { readonly rootMark: string } {
  const stats = statSync(root, { throwIfNoEntry: false });
  if (stats === undefined) throw new DataError(`${root}: there is no such folder`);
  if (stats.isDirectory()) return { ...folderTree(root), rootMark: '' };
  if (!root.endsWith('.zip')) throw new DataError(`${root}: is neither a folder nor a zip archive`);
  return { ...zipTree(root, prefix), rootMark: `${stats.size}/${stats.mtimeMs}` };
}

const byCodeUnit = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function folderTree(root: string): FileTree {
  const name = (path: string) => join(root, path);
  const failed = (path: string, error: unknown) =>
    new DataError(`${name(path)}: cannot be read (${(error as Error).message})`);
  return {
    name,
    list(path) {
      let entries;
      try {
        entries = readdirSync(name(path), { withFileTypes: true });
      } catch (error) {
        if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return null;
        throw failed(path, error);
      }
      const folders: string[] = [];
      const files: string[] = [];
      for (const entry of entries) {
        if (entry.name.startsWith('.')) continue;
        const isFolder = entry.isSymbolicLink()
          ? statSync(join(name(path), entry.name), { throwIfNoEntry: false })?.isDirectory() === true
          : entry.isDirectory();
        (isFolder ? folders : files).push(entry.name);
      }
      return { folders: folders.sort(byCodeUnit), files: files.sort(byCodeUnit) };
    },
    read(path) {
      try {
        return readFileSync(name(path));
      } catch (error) {
        throw failed(path, error);
      }
    },
    mark(path) {
      const stats = statSync(name(path), { throwIfNoEntry: false });
      return stats === undefined ? 'gone' : `${stats.size}/${stats.mtimeMs}`;
    },
  };
}

function zipTree(file: string, prefix: string): FileTree {
  let archive;
  try {
    archive = openZip(readFileSync(file), file);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`${file}: cannot be read (${(error as Error).message})`);
  }
  const inside = (path: string) => [prefix, path].filter((part) => part !== '').join('/');
  const listings = new Map<string, { folders: Set<string>; files: Set<string> }>();
  const listing = (path: string) => {
    const known = listings.get(path);
    if (known !== undefined) return known;
    const made = { folders: new Set<string>(), files: new Set<string>() };
    listings.set(path, made);
    return made;
  };
  for (const member of archive.names) {
    const parts = member.split('/');
    const last = parts.pop() ?? '';
    parts.forEach((part, depth) => listing(parts.slice(0, depth).join('/')).folders.add(part));
    if (last !== '' && !last.startsWith('.')) listing(parts.join('/')).files.add(last);
    else if (last === '') listing(parts.join('/'));
  }
  return {
    name: (path) => `${file}/${inside(path)}`,
    list(path) {
      const found = listings.get(inside(path));
      if (found === undefined) return null;
      return { folders: [...found.folders].sort(byCodeUnit), files: [...found.files].sort(byCodeUnit) };
    },
    read: (path) => archive.read(inside(path)),
    mark: () => '',
  };
}
