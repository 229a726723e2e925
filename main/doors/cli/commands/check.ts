import type { Command } from 'commander';
import { expandGrid } from '#shared/experiment/grid.ts';
import type { Grid } from '#shared/experiment/grid.ts';
import type { ProgramCall } from '#shared/experiment/external-call.ts';
import type { ExternalWorkload } from '#shared/experiment/external.ts';
import { programCall } from '#shared/experiment/external-call.ts';
import { batchUnitOf } from '#shared/experiment/batch-unit.ts';
import type { Specification } from '#shared/experiment/specification.ts';
import { describeTrainingOptions } from '#shared/experiment/training-options.ts';
import { estimateCost } from '#main/lab/scheduler/estimate.ts';
import { readExperimentFile } from '#main/lab/experiment-file.ts';
import { calibrate } from '#main/lab/scheduler/calibration.ts';
import { deviceList } from '#main/lab/scheduler/device-pool.ts';
import { externalWorkforce } from '#main/lab/scheduler/external-workforce.ts';
import { machineWorkforce } from '#main/lab/scheduler/machine.ts';
import { fitProblem } from '#main/lab/scheduler/memory.ts';
import type { Wishes } from '#main/lab/scheduler/settings.ts';
import { parameterCount } from '#main/training/build-stack.ts';
import { externalChecksum, watchedFiles } from '#main/training/external/files.ts';
import { bytes, count, duration, learningRate, print, printJson, table } from '../terminal.ts';
import { gigabytes, MEMORY_WORDS, withJson, wholeNumber } from './options.ts';

export function addCheck(program: Command): void {
  withJson(
    program.command('check <file>').description('the grid of an experiment file, its size and its cost here'),
  )
    .option('--no-calibrate', 'do not measure this machine; no time is estimated')
    .option('--trainers <n>', 'trainer processes at once', wholeNumber)
    .option('--threads <n>', 'threads of each trainer', wholeNumber)
    .option('--devices <list>', 'GPUs to deal out, as CUDA names them (default: all)', deviceList)
    .option('--memory <gigabytes>', MEMORY_WORDS, gigabytes)
    .action(
      async (file: string, options: Wishes & { readonly json?: boolean; readonly calibrate: boolean }) => {
        const { specification, warnings: read } = await readExperimentFile(file);
        const grid = expandGrid(specification);
        const workforce = machineWorkforce(options);
        const { workload } = specification;
        const program =
          workload.kind === 'external' ? describeProgram(specification, workload, grid, options) : null;
        const calibration =
          options.calibrate && program === null ? await calibrate(specification, grid, workforce) : null;
        const problem =
          calibration === null ? null : fitProblem(specification, grid.batchSizes, calibration, workforce);
        const warnings = problem === null ? read : [...read, problem];
        const cost = estimateCost(specification, grid, calibration, workforce);
        const parameters = parameterCount(workload, specification.evaluation.examples);
        const batchUnit = batchUnitOf(specification);
        if (options.json === true) {
          const { batchSizes, learningRates, seeds } = grid;
          printJson({
            name: specification.name,
            parameters,
            batchUnit,
            batchSizes,
            learningRates,
            seeds,
            steps: batchSizes.map((b) => grid.stepsFor(b)),
            marks: batchSizes.map((b) => grid.marksFor(b)),
            cost,
            calibration,
            program,
            warnings,
          });
          return;
        }
        print(`${specification.name}: ${workload.kind}, ${optimizerName(specification)}`);
        if (parameters !== null) print(`${count(parameters, 'parameter')}; a batch counts ${batchUnit}`);
        describeTrainingOptions(specification).forEach(print);
        printGrid(grid, batchUnit);
        print(
          `${count(cost.cells, 'cell')}, ${count(cost.runSteps, 'step')} in all, ${bytes(cost.diskBytes)} on disk`,
        );
        if (cost.seconds !== null)
          print(
            `about ${duration(cost.seconds)} with ${count(workforce.trainers, 'trainer')} of ${count(workforce.threads, 'thread')}`,
          );
        if (cost.bytesPerStack !== null)
          print(`a trainer needs up to ${bytes(Math.max(...Object.values(cost.bytesPerStack)))} of memory`);
        if (program !== null) printProgram(program);
        for (const warning of warnings) print(`note: ${warning}`);
      },
    );
}

function optimizerName({ optimizer }: Specification): string {
  return optimizer.kind === 'external' ? optimizer.name : optimizer.kind;
}

interface ProgramPreview {
  readonly folder: string;
  /** As it is run for the cell in the middle of the grid. */
  readonly example: ProgramCall;
  readonly files: readonly string[];
  readonly checksum: string;
  readonly results: ExternalWorkload['results'];
  readonly limits: {
    readonly seconds: number | null;
    readonly silence: number | null;
    readonly loss: number | null;
  };
  readonly atOnce: number;
  readonly threads: number;
  readonly devices: readonly string[];
}

/** Throws in words when the folder, a file or enough GPUs are not there. */
function describeProgram(
  { optimizer }: Specification,
  workload: ExternalWorkload,
  grid: Grid,
  wishes: Wishes,
): ProgramPreview {
  const { trainers, threads, devices = [] } = externalWorkforce(workload, wishes);
  const batchSize = middle(grid.batchSizes);
  if (optimizer.kind !== 'external') throw new Error('an external workload has an external optimizer');
  return {
    folder: workload.folder,
    example: programCall(workload, {
      batchSize,
      learningRate: middle(grid.learningRates),
      seed: grid.seeds[0],
      steps: grid.stepsFor(batchSize),
      marks: grid.marksFor(batchSize),
      output: 'OUTPUT',
      optimizer,
      threads,
    }),
    files: watchedFiles(workload),
    checksum: externalChecksum(workload),
    results: workload.results,
    limits: {
      seconds: workload.timeLimit ?? null,
      silence: workload.silenceLimit ?? null,
      loss: workload.divergesAbove ?? null,
    },
    atOnce: trainers,
    threads,
    devices,
  };
}

const middle = <T>(list: readonly T[]): T => list[list.length >> 1];

function printProgram(program: ProgramPreview): void {
  const { folder, example, files, results, limits, atOnce, threads, devices } = program;
  print(`program: ${[example.program, ...example.arguments].map((text) => JSON.stringify(text)).join(' ')}`);
  print(`  in ${folder}; OUTPUT is a folder of each cell`);
  print(
    files.length === 0
      ? '  no file is watched: a changed program would not make new cells (name its files in workload.files)'
      : `  new cells when a file changes: ${files.join(', ')}`,
  );
  const source = {
    output: 'JSON lines on its standard output',
    csv: `OUTPUT/${results.from === 'csv' ? results.file : ''}`,
    tensorboard: `event files in OUTPUT/${results.from === 'tensorboard' ? results.folder : ''}`,
  };
  print(`  results from ${source[results.from]}`);
  const { seconds, silence, loss } = limits;
  const told = [
    seconds === null ? 'no time limit' : `ended after ${duration(seconds)}`,
    silence === null ? 'no silence limit' : `after ${duration(silence)} of silence`,
    loss === null ? 'diverged when its loss is not finite' : `diverged above a loss of ${loss}`,
  ];
  print(`  ${told.join(', ')}`);
  print(
    `  ${count(atOnce, 'cell')} at once with ${count(threads, 'thread')} each${devices.length === 0 ? '' : `, GPUs ${devices.join(', ')}`}`,
  );
  print('cost unknown: a program of yours is not measured');
}

/** A unit such as "sequences of 64 tokens" is counted by its first word. */
function printGrid(grid: Grid, batchUnit: string): void {
  const { batchSizes, learningRates, seeds } = grid;
  print(`learning rates (${learningRates.length}): ${learningRates.map(learningRate).join('  ')}`);
  print(`seeds (${seeds.length}): ${seeds.join(' ')}`);
  print(
    table(
      ['batch size>', 'steps>', `${batchUnit.split(' ', 1)[0]}>`, 'marks'],
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
