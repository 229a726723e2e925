/** What an experiment will cost here, from calibration. */
import type { Grid } from '#shared/experiment/grid.ts';
import type { Specification } from '#shared/experiment/specification.ts';
import type { Calibration } from './measurements.ts';
import type { Workforce } from './settings.ts';
import {
  cellsPerStack,
  evaluateMillisecondsPerCell,
  runStepMicroseconds,
  stackBytes,
  stackNeed,
  stackOverheadSeconds,
} from './settings.ts';

export interface Cost {
  readonly cells: number;
  /** Optimizer steps of all cells together. */
  readonly runSteps: number;
  /** Database and spool. */
  readonly diskBytes: number;
  /** Null without a calibration. */
  readonly seconds: number | null;
  readonly cellsPerStack: Readonly<Record<number, number>> | null;
  /** Memory of a trainer with such a stack, by batch size. */
  readonly bytesPerStack: Readonly<Record<number, number>> | null;
}

const VALUE_BYTES = 4;
/** A value lies in the database as it is and in the spool in base64, with some text around both. */
const COPIES = 2.4;
const EVALUATION_METRICS = 2;
const CELL_ROW_BYTES = 400;

export function estimateCost(
  specification: Specification,
  grid: Grid,
  calibration: Calibration | null,
  workforce: Workforce,
): Cost {
  const cellsOfBatch = grid.learningRates.length * grid.seeds.length;
  const sizes: Record<number, number> = {};
  const bytes: Record<number, number> = {};
  let runSteps = 0;
  let values = 0;
  let seconds = 0;
  for (const batchSize of grid.batchSizes) {
    const steps = grid.stepsFor(batchSize);
    const marks = grid.marksFor(batchSize).length;
    runSteps += steps * cellsOfBatch;
    values += cellsOfBatch * ((specification.recordTrainingLoss ? steps : 0) + EVALUATION_METRICS * marks);
    if (calibration === null) continue;
    const need = stackNeed(specification, grid, batchSize, cellsOfBatch);
    const size = cellsPerStack(calibration, need, workforce);
    sizes[batchSize] = size;
    bytes[batchSize] = stackBytes(calibration, need, size);
    seconds +=
      (cellsOfBatch * steps * runStepMicroseconds(calibration, batchSize, size)) / 1e6 +
      (cellsOfBatch * marks * evaluateMillisecondsPerCell(calibration, batchSize, size)) / 1e3 +
      Math.ceil(cellsOfBatch / size) * stackOverheadSeconds(calibration);
  }
  const cells = cellsOfBatch * grid.batchSizes.length;
  return {
    cells,
    runSteps,
    diskBytes: values * VALUE_BYTES * COPIES + cells * CELL_ROW_BYTES,
    seconds: calibration === null ? null : seconds / workforce.trainers,
    cellsPerStack: calibration === null ? null : sizes,
    bytesPerStack: calibration === null ? null : bytes,
  };
}
