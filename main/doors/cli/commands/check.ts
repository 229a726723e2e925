import type { Command } from 'commander';
import { expandGrid } from '#shared/experiment/grid.ts';
import type { Grid } from '#shared/experiment/grid.ts';
import { estimateCost } from '#main/lab/scheduler/estimate.ts';
import { readExperimentFile } from '#main/lab/experiment-file.ts';
import { calibrate } from '#main/lab/scheduler/calibration.ts';
import { machineWorkforce } from '#main/lab/scheduler/machine.ts';
import { bytes, count, duration, learningRate, print, printJson, table } from '../terminal.ts';
import { withJson, wholeNumber } from './options.ts';

export function addCheck(program: Command): void {
  withJson(
    program.command('check <file>').description('the grid of an experiment file, its size and its cost here'),
  )
    .option('--no-calibrate', 'do not measure this machine; no time is estimated')
    .option('--trainers <n>', 'trainer processes at once', wholeNumber)
    .option('--threads <n>', 'threads of each trainer', wholeNumber)
    .action(
      async (
        file: string,
        options: { json?: boolean; calibrate: boolean; trainers?: number; threads?: number },
      ) => {
        const { specification, warnings } = await readExperimentFile(file);
        const grid = expandGrid(specification);
        const workforce = machineWorkforce(options);
        const calibration = options.calibrate
          ? await calibrate(specification, grid, workforce.threads)
          : null;
        const cost = estimateCost(specification, grid, calibration, workforce);
        if (options.json === true) {
          const { batchSizes, learningRates, seeds } = grid;
          printJson({
            name: specification.name,
            batchSizes,
            learningRates,
            seeds,
            steps: batchSizes.map((b) => grid.stepsFor(b)),
            marks: batchSizes.map((b) => grid.marksFor(b)),
            cost,
            calibration,
            warnings,
          });
          return;
        }
        print(`${specification.name}: ${specification.workload.kind}, ${specification.optimizer.kind}`);
        printGrid(grid);
        print(
          `${count(cost.cells, 'cell')}, ${count(cost.runSteps, 'step')} in all, ${bytes(cost.diskBytes)} on disk`,
        );
        if (cost.seconds !== null)
          print(
            `about ${duration(cost.seconds)} with ${count(workforce.trainers, 'trainer')} of ${count(workforce.threads, 'thread')}`,
          );
        for (const warning of warnings) print(`note: ${warning}`);
      },
    );
}

function printGrid(grid: Grid): void {
  const { batchSizes, learningRates, seeds } = grid;
  print(`learning rates (${learningRates.length}): ${learningRates.map(learningRate).join('  ')}`);
  print(`seeds (${seeds.length}): ${seeds.join(' ')}`);
  print(
    table(
      ['batch size>', 'steps>', 'samples>', 'marks'],
      batchSizes.map((b) => {
        const marks = grid.marksFor(b);
        const shown = marks.length > 12 ? [...marks.slice(0, 6), '…', ...marks.slice(-3)] : marks;
        return [
          String(b),
          String(grid.stepsFor(b)),
          (grid.stepsFor(b) * b).toLocaleString('en-US'),
          `${shown.join(' ')} (${marks.length})`,
        ];
      }),
    ),
  );
}
