/** The command `surge`. */
import { exitCodes } from './exit-codes.ts';
import { runCommandLine } from './program.ts';

// A closed pipe (surge list | head) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});

await runCommandLine(process.argv.slice(2));
