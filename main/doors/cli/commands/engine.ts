import type { Command } from 'commander';
import { engineCheckCommand, engineInstallCommand } from '#main/setup/engine-commands.ts';
import { exitCodes } from '../exit-codes.ts';

export function addEngine(program: Command): void {
  const engine = program.command('engine').description('the TensorFlow library that trains');
  engine
    .command('check')
    .description('try the engine: device, library version, threads')
    .option('--json', 'print a machine-readable report')
    .action(async (options: { json?: boolean }) => {
      process.exitCode = (await engineCheckCommand(options)) === 0 ? exitCodes.ok : exitCodes.engine;
    });
  engine
    .command('install')
    .description('find or fetch the library and build the addon; does nothing when all is there')
    .option('--cuda', 'the CUDA library, even without a driver here')
    .option('--cpu', 'the CPU library, even with an NVIDIA driver here')
    .option('--from <folder>', 'use the libraries in this folder')
    .option('--json', 'print a machine-readable report')
    .action(async (options: { cuda?: boolean; cpu?: boolean; from?: string; json?: boolean }) => {
      const code = await engineInstallCommand(options);
      process.exitCode = code === 0 ? exitCodes.ok : code === 2 ? exitCodes.badInput : exitCodes.engine;
    });
}
