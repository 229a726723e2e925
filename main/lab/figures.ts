/** Draws an experiment's figures and writes each as SVG, with exactly the drawn data as CSV beside it. */
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CurveSet } from '#shared/analysis/curves.ts';
import { defaultTargets } from '#shared/analysis/migration.ts';
import { toCsv } from '#shared/figure/csv.ts';
import type { Figure } from '#shared/figure/figure.ts';
import {
  finalHeatMapInput,
  finalLossesInput,
  heatMapInput,
  lossesInput,
  migrationOverLossInput,
  migrationOverStepsInput,
} from '#shared/figure/from-analysis.ts';
import { heatMapFigure } from '#shared/figure/heat-map.ts';
import type { LossAxis } from '#shared/figure/loss-panels.ts';
import { lossesFigure } from '#shared/figure/losses.ts';
import { migrationFigure } from '#shared/figure/migration.ts';
import { COLUMN_WIDTH, FULL_WIDTH } from '#shared/figure/sheet.ts';
import { POINTS_PER_MILLIMETRE, serialise } from '#shared/figure/tree.ts';
import { makeFolder } from './make-folder.ts';

export const figureKinds = ['losses', 'heat-map', 'migration'] as const;
export type FigureKind = (typeof figureKinds)[number];

export interface FigureOptions {
  readonly kinds: readonly FigureKind[];
  /** Marks of the panels of losses and of the ridges; by default four, spread geometrically. */
  readonly steps?: readonly number[];
  /** Mark of the heat map; by default the last of the steps. */
  readonly step?: number;
  /** Migration over steps or over target losses only; both when absent. */
  readonly by?: 'steps' | 'loss';
  /** Target losses; by default chosen from the curves. */
  readonly targets?: readonly number[];
  /** Further steps after the target. */
  readonly moreSteps?: number;
  /** Millimetres; by default the width of a page's text, and of one column for the heat map. */
  readonly width?: number;
  readonly lossAxis?: LossAxis;
}

export interface NamedFigure {
  /** File name without extension. */
  readonly name: string;
  readonly figure: Figure;
}

const MORE_STEPS = 10;
const PANELS = 4;
/** Of two marks that are equally near up to rounding the lower one is taken. */
const TIE = 1e-9;

/** Draws losses and heat map of a sweep that has the last loss of each run only (finalLosses of shared/import). */
export function drawFinalFigures(
  curves: CurveSet,
  experimentName: string,
  lossTitle: string,
  { kinds, width, lossAxis = 'auto' }: FigureOptions,
): NamedFigure[] {
  const points = (millimetres: number) => (width ?? millimetres) * POINTS_PER_MILLIMETRE;
  const prefix = fileName(experimentName);
  const figures: NamedFigure[] = [];
  if (kinds.includes('losses')) {
    const input = finalLossesInput(curves, experimentName, { lossTitle });
    figures.push({
      name: `${prefix}-losses`,
      figure: lossesFigure(input, { width: points(FULL_WIDTH), lossAxis }),
    });
  }
  if (kinds.includes('heat-map')) {
    const input = finalHeatMapInput(curves, experimentName, { lossTitle });
    figures.push({
      name: `${prefix}-heat-map`,
      figure: heatMapFigure(input, { width: points(COLUMN_WIDTH), lossAxis }),
    });
  }
  return figures;
}

/** Draws without writing. */
export function drawFigures(curves: CurveSet, experimentName: string, options: FigureOptions): NamedFigure[] {
  const { kinds, by, moreSteps = MORE_STEPS, lossAxis = 'auto' } = options;
  const steps = options.steps ?? spreadSteps(curves);
  const points = (millimetres: number) => (options.width ?? millimetres) * POINTS_PER_MILLIMETRE;
  const prefix = fileName(experimentName);
  const figures: NamedFigure[] = [];
  const add = (name: string, figure: Figure) => figures.push({ name: `${prefix}-${name}`, figure });
  if (kinds.includes('losses'))
    add(
      'losses',
      lossesFigure(lossesInput(curves, experimentName, steps), { width: points(FULL_WIDTH), lossAxis }),
    );
  if (kinds.includes('heat-map')) {
    const step = options.step ?? steps.at(-1) ?? 1;
    const input = heatMapInput(curves, experimentName, step);
    add('heat-map', heatMapFigure(input, { width: points(COLUMN_WIDTH), lossAxis }));
  }
  if (kinds.includes('migration') && by !== 'loss') {
    const input = migrationOverStepsInput(curves, experimentName, steps);
    add('migration-steps', migrationFigure(input, { width: points(FULL_WIDTH) }));
  }
  if (kinds.includes('migration') && by !== 'steps') {
    const targets = options.targets ?? defaultTargets(curves, moreSteps);
    const input = migrationOverLossInput(curves, experimentName, targets, moreSteps);
    add('migration-loss', migrationFigure(input, { width: points(FULL_WIDTH) }));
  }
  return figures;
}

/**
 * Draws and writes NAME.svg and NAME.csv of each figure into `outFolder`, which is made when it is absent. Returns the
 * paths. A file appears under its name only when it is complete.
 */
export async function writeFigures(
  curves: CurveSet,
  experimentName: string,
  options: FigureOptions & { readonly outFolder: string },
): Promise<string[]> {
  return writeDrawn(drawFigures(curves, experimentName, options), options.outFolder);
}

export async function writeDrawn(figures: readonly NamedFigure[], outFolder: string): Promise<string[]> {
  await makeFolder(outFolder);
  const paths: string[] = [];
  for (const { name, figure } of figures) {
    for (const [extension, text] of [
      ['svg', serialise(figure.tree)],
      ['csv', toCsv(figure.data)],
    ] as const) {
      const path = join(outFolder, `${name}.${extension}`);
      await writeWhole(path, text);
      paths.push(path);
    }
  }
  return paths;
}

async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.partial`;
  try {
    await writeFile(partial, text, { flush: true });
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Marks that all batch sizes share, four of them at about equal ratios, the last one included. */
function spreadSteps(curves: CurveSet): number[] {
  const [first = [], ...others] = curves.marks;
  const shared = first.filter((step) => others.every((marks) => marks.includes(step)));
  const last = shared.at(-1);
  if (last === undefined) return [];
  const wanted = Array.from(
    { length: PANELS },
    (_, i) => shared[0] * (last / shared[0]) ** ((i + 1) / PANELS),
  );
  const nearest = wanted.map((step) =>
    shared.reduce((best, mark) =>
      Math.abs(Math.log(mark / step)) < Math.abs(Math.log(best / step)) - TIE ? mark : best,
    ),
  );
  return [...new Set(nearest)];
}

/** Named after its experiment (or preset) and its kind. */
export function named(experimentName: string, kind: string, figure: Figure): NamedFigure {
  return { name: `${fileName(experimentName)}-${kind}`, figure };
}

/** Experiments whose names differ in their signs only would share a file: the second gets "-2" and so on. */
export function withoutDuplicates(figures: readonly NamedFigure[]): NamedFigure[] {
  const taken = new Set<string>();
  return figures.map(({ name, figure }) => {
    let free = name;
    for (let i = 2; taken.has(free); i++) free = `${name}-${i}`;
    taken.add(free);
    return { name: free, figure };
  });
}

/** Letters and digits of the name, joined by hyphens. */
function fileName(experimentName: string): string {
  const words = experimentName.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...words.join('-')].slice(0, 60).join('').replace(/-$/, '') || 'experiment';
}
