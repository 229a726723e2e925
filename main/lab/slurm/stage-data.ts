/** Copies the data of a sweep to a node's own disk, once for all tasks that run there. */
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { withDataPaths } from '#shared/experiment/data-paths.ts';
import type { WorkloadSpecification } from '#shared/experiment/specification.ts';
import { catalog } from '#main/training/data/sets/catalog.ts';
import { dataFolder } from '#main/training/data/sets/folder.ts';
import { STAGED_DATA } from '#main/training/staged-data.ts';
import { sha256 } from '../identity.ts';
import { replaceText } from '../replace-text.ts';

/**
 * Returns what a task's environment needs so that its trainer reads the copies. A copy is taken anew when the original
 * has another size or date; it gets its name when it is complete. What cannot be found is left to the trainer, which
 * has the words for it.
 */
export function stageData(workload: WorkloadSpecification, stage: string): Record<string, string> {
  if (!('data' in workload)) return {};
  if (workload.data.source === 'set') {
    const { folder } = catalog[workload.data.name];
    const original = join(dataFolder(), folder);
    if (!existsSync(original)) return {};
    const root = placeOf(original, stage);
    copy(original, join(root, folder));
    return { SURGE_DATA: root };
  }
  const copies: Record<string, string> = {};
  withDataPaths(workload, (path) => {
    // Members of an archive come with it.
    const at = path.indexOf('.npz#');
    const [file, member] = at < 0 ? [path, ''] : [path.slice(0, at + 4), path.slice(at + 4)];
    if (existsSync(file)) {
      const place = join(placeOf(file, stage), basename(file));
      copy(file, place);
      copies[path] = place + member;
    }
    return path;
  });
  if (Object.keys(copies).length === 0) return {};
  const text = JSON.stringify(copies);
  const map = join(stage, `${sha256(text).slice(0, 16)}.json`);
  replaceText(map, text);
  return { [STAGED_DATA]: map };
}

function placeOf(file: string, stage: string): string {
  const { size, mtimeMs } = statSync(file);
  return join(stage, sha256(`${file} ${size} ${mtimeMs}`).slice(0, 16));
}

function copy(from: string, to: string): void {
  if (existsSync(to)) return;
  const partial = `${to}.partial-${process.pid}`;
  mkdirSync(join(to, '..'), { recursive: true });
  try {
    cpSync(from, partial, { recursive: true, dereference: true });
    renameSync(partial, to);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    // Another task was first.
    if (!existsSync(to)) throw error;
  }
}
