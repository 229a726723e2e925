/** Place and size of the window, remembered in a small file. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const coordinate = z.number().int().min(-100_000).max(100_000);
const size = z.number().int().min(1).max(100_000);
const stateSchema = z.object({
  area: z.object({ x: coordinate, y: coordinate, width: size, height: size }).nullable().catch(null),
  isMaximized: z.boolean().catch(false),
  /** Where a file was saved last. */
  folder: z.string().nullable().catch(null),
});
export type WindowState = Readonly<z.output<typeof stateSchema>>;

/** So much of the title bar must be on a screen that the window can be pulled back. */
const GRIP = { width: 120, height: 40 };

/** Whatever in the file cannot be used is as if it were not there. */
export function readWindowState(file: string): WindowState {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return stateSchema.parse({});
  }
}

/** A place that cannot be remembered is no reason to disturb anybody. */
export function writeWindowState(file: string, state: WindowState): void {
  const partial = `${file}.${process.pid}.partial`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(partial, `${JSON.stringify(state)}\n`);
    renameSync(partial, file);
  } catch {
    // A full or read-only disk.
  }
}

/**
 * The remembered area where its title bar can be seen and reached on one of the screens, no larger than that screen;
 * else null.
 */
export function reachable(area: Area | null, screens: readonly Area[]): Area | null {
  if (area === null) return null;
  const screen = screens.find((each) => {
    const width = Math.min(area.x + area.width, each.x + each.width) - Math.max(area.x, each.x);
    const isTopInside = area.y >= each.y && area.y + GRIP.height <= each.y + each.height;
    return width >= Math.min(GRIP.width, area.width) && isTopInside;
  });
  if (screen === undefined) return null;
  return {
    // One that is cut to its screen's width begins there.
    x: area.width > screen.width ? screen.x : area.x,
    y: area.y,
    width: Math.min(area.width, screen.width),
    height: Math.min(area.height, screen.height),
  };
}
