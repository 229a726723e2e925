/**
 * Job scripts of a site. A folder of scripts (`SURGE_SLURM_TEMPLATES`, else `surge-lab/slurm` in the user's configuration
 * folder) goes before the one that comes with the product: `job.sh` there replaces it, any other NAME.sh can be chosen.
 */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SweepFolderError } from './sweep-folder.ts';

const OWN = fileURLToPath(new URL('../../../resources/slurm/', import.meta.url));
export const DEFAULT_TEMPLATE = 'job';

function siteFolder(): string {
  const { SURGE_SLURM_TEMPLATES: given, XDG_CONFIG_HOME: configured } = process.env;
  if (given !== undefined && given !== '') return given;
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.config');
  return join(base, 'surge-lab', 'slurm');
}

const namesIn = (folder: string) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.sh'))
        .map((name) => basename(name, '.sh'))
    : [];

/** Names that can be chosen, 'job' first. */
export function templateNames(): string[] {
  const others = new Set([...namesIn(siteFolder()), ...namesIn(OWN)]);
  others.delete(DEFAULT_TEMPLATE);
  return [DEFAULT_TEMPLATE, ...[...others].sort()];
}

/** A file, or a name of a template without its ending. Throws SweepFolderError when there is neither. */
export function templateFile(wanted = DEFAULT_TEMPLATE): string {
  if (wanted.endsWith('.sh') || wanted.includes('/')) {
    if (existsSync(wanted)) return wanted;
    throw new SweepFolderError(`${wanted}: there is no such template.`);
  }
  const found = [siteFolder(), OWN]
    .map((folder) => join(folder, `${wanted}.sh`))
    .find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new SweepFolderError(
    `There is no template ${wanted} in ${siteFolder()}; known are ${templateNames().join(', ')}.`,
  );
}
