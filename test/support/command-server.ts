/**
 * Runs commands of `surge` one after the other in one process, so that a test of what a command says need not start a
 * process each time. Asked over Node's channel with { args }; answers { code, stdout, stderr }.
 */
import { runCommandLine } from '#main/doors/cli/program.ts';

export interface Question {
  readonly args: readonly string[];
}

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Output = typeof process.stdout | typeof process.stderr;

/** What is written to an output from now on, instead of it. */
function collect(output: Output): string[] {
  const texts: string[] = [];
  output.write = (data: string | Uint8Array) => {
    texts.push(typeof data === 'string' ? data : Buffer.from(data).toString());
    return true;
  };
  return texts;
}

async function answer({ args }: Question): Promise<Answer> {
  const stdout = collect(process.stdout);
  const stderr = collect(process.stderr);
  process.exitCode = undefined;
  await runCommandLine(args);
  const code = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}

process.on('message', (question: Question) => void answer(question).then((told) => process.send!(told)));
process.on('disconnect', () => process.exit());
