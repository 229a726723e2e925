/** What the user has chosen for the window and the machine, in a small file of the configuration folder. */
import { mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import type { LabSettings } from '#shared/api/types.ts';
import { replaceText } from '../replace-text.ts';

const settingsSchema = z.object({
  theme: z.enum(['system', 'light', 'dark']).catch('system'),
  threads: z.number().int().min(1).max(1024).nullable().catch(null),
  maxCellsPerStack: z.number().int().min(1).max(100_000).nullable().catch(null),
});

/** `$XDG_CONFIG_HOME/surge-lab/settings.json` or `~/.config/surge-lab/settings.json`. */
export function defaultSettingsFile(): string {
  const configured = process.env.XDG_CONFIG_HOME;
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.config');
  return join(base, 'surge-lab', 'settings.json');
}

/** Whatever in the file cannot be used is as if it were not there. */
export function readSettings(file: string): LabSettings {
  try {
    return settingsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return settingsSchema.parse({});
  }
}

export function writeSettings(file: string, settings: LabSettings): void {
  mkdirSync(dirname(file), { recursive: true });
  replaceText(file, `${JSON.stringify(settings, null, 2)}\n`);
}
