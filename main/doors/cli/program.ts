/** The command line as a function. Each command lives in a file of its own; this one only lists them and turns errors into exit codes. */
import { Command, CommanderError } from 'commander';
import { ExperimentFileError } from '#main/lab/experiment-file.ts';
import { ShardError } from '#main/lab/merge/shards.ts';
import { SlurmError } from '#main/lab/slurm/queue.ts';
import { SweepFolderError } from '#main/lab/slurm/sweep-folder.ts';
import { StoreError } from '#main/lab/store/index.ts';
import { SetupError } from '#main/setup/setup-error.ts';
import { addCheck } from './commands/check.ts';
import { addControls } from './commands/controls.ts';
import { addData } from './commands/data.ts';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEngine } from './commands/engine.ts';
import { addExport } from './commands/export.ts';
import { addFigure } from './commands/figure.ts';
import { addImport } from './commands/import.ts';
import { addLaws } from './commands/laws.ts';
import { addLocal } from './commands/local.ts';
import { addManage } from './commands/manage.ts';
import { addMerge } from './commands/merge.ts';
import { addMigrate } from './commands/migrate.ts';
import { addRecommend } from './commands/recommend.ts';
import { addRefine } from './commands/refine.ts';
import { addRidge } from './commands/ridge.ts';
import { addRun } from './commands/run.ts';
import { addServe } from './commands/serve.ts';
import { addSlurm } from './commands/slurm.ts';
import { addStatus } from './commands/status.ts';
import { addTheory } from './commands/theory.ts';
import { BadInput, exitCodes } from './exit-codes.ts';
import { notice } from './terminal.ts';
import packageFile from '../../../package.json' with { type: 'json' };

function createProgram(): Command {
  const program = new Command('surge')
    .description(
      'Learning-rate × batch-size sweeps: train them as compiled stacks, find the optimal learning rate for each batch size, and watch its peak move.',
    )
    .version(packageFile.version, '--version', 'print the version')
    .showHelpAfterError('(surge --help lists the commands)')
    .configureHelp({ sortSubcommands: false })
    .exitOverride();
  addCheck(program);
  addRun(program);
  addStatus(program);
  addRidge(program);
  addMigrate(program);
  addLaws(program);
  addControls(program);
  addLocal(program);
  addRecommend(program);
  addRefine(program);
  addTheory(program);
  addFigure(program);
  addExport(program);
  addImport(program);
  addMerge(program);
  addSlurm(program);
  addManage(program);
  addData(program);
  addEngine(program);
  addDoctor(program);
  addDemo(program);
  addServe(program);
  return program;
}

/** Runs one command; `arguments_` are those after the program's name. Leaves the exit code in `process.exitCode`. */
export async function runCommandLine(arguments_: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(arguments_, { from: 'user' });
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed its own message; help and version are no mistakes.
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.badInput;
  }
  if (
    error instanceof BadInput ||
    error instanceof ExperimentFileError ||
    error instanceof SweepFolderError ||
    error instanceof ShardError ||
    error instanceof SlurmError
  ) {
    notice(error.message);
    return exitCodes.badInput;
  }
  if (error instanceof StoreError) {
    notice(error.message);
    const asked: readonly string[] = [
      'unknown-experiment',
      'ambiguous-experiment',
      'imported',
      'not-imported',
    ];
    return asked.includes(error.code) ? exitCodes.badInput : exitCodes.store;
  }
  if (error instanceof SetupError) {
    notice(`${error.message}\n${error.wayOut}`);
    return exitCodes.engine;
  }
  notice(
    process.env.SURGE_DEBUG === undefined
      ? `surge: ${(error as Error).message}`
      : String((error as Error).stack),
  );
  return exitCodes.error;
}
