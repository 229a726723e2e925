import type { RidgePoint } from '../laws/fit.ts';
import { parabolaVertex } from '../analysis/parabola.ts';
import { smoothOptimum } from '../analysis/smooth-optimum.ts';
import type { ImportedCell, ImportedFamily } from './sweep.ts';

export type OptimumFlag =
  /** The best learning rate is the lowest or the highest of this batch size; it is taken as it is. */
  | 'lowest-rate'
  | 'highest-rate'
  /** A neighbour on the family's grid was never run: the next one present is used. */
  | 'missing-neighbour'
  /** A neighbour failed: the grid value is taken as it is. */
  | 'failed-neighbour'
  /** Read from the smooth fit; see its own flags. */
  | 'flat'
  | 'few-points';

export interface ImportedOptimum extends RidgePoint {
  /** Best learning rate of the grid. */
  readonly gridLearningRate: number;
  readonly loss: number;
  readonly flags: readonly OptimumFlag[];
  /** Learning rates with a usable loss, and failed ones. */
  readonly usable: number;
  readonly failed: number;
}

export interface ImportedRidgeOptions {
  /** three-point: parabola through the best cell and its neighbours; smooth: local quadratic over all cells. */
  readonly method?: 'three-point' | 'smooth';
  /** Axis of the three-point parabola. Line searches are sometimes published with a linear one. */
  readonly axis?: 'ln' | 'linear';
}

interface Column {
  readonly rate: number;
  /** Mean over seeds; NaN when a seed failed. */
  readonly loss: number;
}

/** Columns of one batch size by learning rate. */
function columnsOf(cells: readonly ImportedCell[]): Column[] {
  const byRate = new Map<number, number[]>();
  for (const cell of cells) {
    if (cell.learningRate === null || cell.loss === null) continue;
    const loss = cell.failure === null ? cell.loss : NaN;
    const list = byRate.get(cell.learningRate);
    if (list === undefined) byRate.set(cell.learningRate, [loss]);
    else list.push(loss);
  }
  return [...byRate]
    .map(([rate, losses]) => ({ rate, loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length }))
    .sort((a, b) => a.rate - b.rate);
}

function threePoint(
  columns: readonly Column[],
  grid: readonly number[],
  axis: 'ln' | 'linear',
): Omit<ImportedOptimum, 'batchSize' | 'usable' | 'failed'> | null {
  let best = -1;
  columns.forEach((column, i) => {
    if (Number.isFinite(column.loss) && (best === -1 || column.loss < columns[best].loss)) best = i;
  });
  if (best === -1) return null;
  const { rate, loss } = columns[best];
  const onGrid = { learningRate: rate, gridLearningRate: rate, loss };
  if (best === 0) return { ...onGrid, flags: ['lowest-rate'] };
  if (best === columns.length - 1) return { ...onGrid, flags: ['highest-rate'] };
  const three = columns.slice(best - 1, best + 2);
  if (!three.every((column) => Number.isFinite(column.loss)))
    return { ...onGrid, flags: ['failed-neighbour'] };
  const flags: OptimumFlag[] = [];
  const place = grid.indexOf(rate);
  if (grid[place - 1] !== three[0].rate || grid[place + 1] !== three[2].rate) flags.push('missing-neighbour');
  const [low, middle, high] = three.map((column) => (axis === 'ln' ? Math.log(column.rate) : column.rate));
  const vertex = parabolaVertex([low, middle, high], [three[0].loss, three[1].loss, three[2].loss]);
  if (vertex === null) return { ...onGrid, flags: [...flags, 'flat'] };
  return { learningRate: axis === 'ln' ? Math.exp(vertex.x) : vertex.x, gridLearningRate: rate, loss, flags };
}

function smooth(columns: readonly Column[]): Omit<ImportedOptimum, 'batchSize' | 'usable' | 'failed'> | null {
  const fit = smoothOptimum(columns.map((column) => ({ learningRate: column.rate, loss: column.loss })));
  if (fit.learningRate === null) return null;
  const usable = columns.filter((column) => Number.isFinite(column.loss));
  const best = usable.reduce((a, b) => (b.loss < a.loss ? b : a));
  const flags: OptimumFlag[] = [];
  if (fit.flags.includes('edge')) {
    flags.push(
      fit.learningRate < Math.sqrt(columns[0].rate * columns[columns.length - 1].rate)
        ? 'lowest-rate'
        : 'highest-rate',
    );
  }
  if (fit.flags.includes('diverged-neighbour')) flags.push('failed-neighbour');
  if (fit.flags.includes('flat')) flags.push('flat');
  if (fit.flags.includes('few-points')) flags.push('few-points');
  return { learningRate: fit.learningRate, gridLearningRate: best.rate, loss: fit.loss ?? best.loss, flags };
}

/** Optimal learning rate of each batch size of an imported family, ascending; batch sizes without one are left out. */
export function importedRidge(family: ImportedFamily, options: ImportedRidgeOptions = {}): ImportedOptimum[] {
  const ridge: ImportedOptimum[] = [];
  for (const batchSize of family.batchSizes) {
    const columns = columnsOf(family.cells.filter((cell) => cell.batchSize === batchSize));
    const optimum =
      options.method === 'smooth'
        ? smooth(columns)
        : threePoint(columns, family.learningRates, options.axis ?? 'ln');
    if (optimum === null) continue;
    const usable = columns.filter((column) => Number.isFinite(column.loss)).length;
    ridge.push({ batchSize, ...optimum, usable, failed: columns.length - usable });
  }
  return ridge;
}
