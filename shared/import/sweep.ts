/** An imported sweep: families of cells on a grid of batch sizes and learning rates. */
import type { ImportReport } from './report.ts';

/** Values at the steps of one cell, ascending. */
export interface ImportedCurve {
  readonly steps: Float64Array;
  /** Smaller is better: values of a sweep with goal "maximize" have their sign turned. */
  readonly losses: Float64Array;
}

export interface ImportedCell {
  readonly batchSize: number;
  /** Grid value; null for sweeps that report the best learning rate's steps only. */
  readonly learningRate: number | null;
  /** As written in this row: may differ from the grid value within the tolerance. */
  readonly writtenLearningRate: number | null;
  readonly seed: string;
  /** Label of the failure rule that matched, or null. Failed cells keep their numbers. */
  readonly failure: string | null;
  /** Step of the row that says so; null when nothing failed or the file has no steps. */
  readonly failureStep: number | null;
  /** Last loss by step (smaller is better), null without a loss column; may be NaN for failed cells. */
  readonly loss: number | null;
  readonly lossError: number | null;
  readonly stepsToTarget: number | null;
  readonly tokens: number | null;
  /** Last step, when the file has steps. */
  readonly step: number | null;
  /** Only for files with several steps a cell. */
  readonly curve: ImportedCurve | null;
  /** First line of the cell in the file. */
  readonly line: number;
}

export interface FamilyAnalysis {
  readonly analysis:
    | 'ridge'
    | 'three-point optimum'
    | 'smooth optimum'
    | 'migration'
    | 'seed intervals'
    | 'steps and examples'
    | 'equal tokens';
  readonly possible: boolean;
  readonly reason: string;
}

export interface ImportedFamily {
  /** Values of the family columns, in the order of the mapping. */
  readonly key: Readonly<Record<string, string>>;
  /** The same as one label, for example "N = 215M, D = 4B"; "all rows" without family columns. */
  readonly label: string;
  /** Ascending. */
  readonly batchSizes: readonly number[];
  /** Ascending grid values; empty without a learning-rate column. */
  readonly learningRates: readonly number[];
  readonly seeds: readonly string[];
  /** By batch size, learning rate, seed. */
  readonly cells: readonly ImportedCell[];
  /** Points of the full grid that the file does not have. */
  readonly missing: number;
  /** What the columns and the grid allow, and why the rest is not possible. */
  readonly analyses: readonly FamilyAnalysis[];
}

export interface ImportedSweep {
  readonly ok: true;
  readonly batchUnit: string;
  readonly goal: 'minimize' | 'maximize';
  readonly families: readonly ImportedFamily[];
  readonly report: ImportReport;
}

export interface RefusedImport {
  readonly ok: false;
  /** What is wrong and what to do; names the line where there is one. */
  readonly message: string;
  readonly line: number | null;
  /** What had been read when the import stopped. Nothing of it is imported. */
  readonly report: ImportReport;
}

export type ImportResult = ImportedSweep | RefusedImport;
