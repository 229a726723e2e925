/** Programs with the names of Slurm's that write down how they were called and answer what a test wants. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SCRIPT = `#!/bin/sh
here=$(dirname "$0")
name=$(basename "$0")
echo "$*" >> "$here/$name.calls"
if [ -e "$here/$name.refusal" ]; then cat "$here/$name.refusal" >&2; exit 1; fi
if [ "$name" = scancel ]; then rm -f "$here/squeue.answer"; fi
if [ -e "$here/$name.answer" ]; then cat "$here/$name.answer"; fi
`;
const programs = ['sbatch', 'squeue', 'sacct', 'scancel'] as const;
type Program = (typeof programs)[number];

export interface FakeSlurm {
  /** For the environment of whatever is to find them. */
  readonly path: string;
  /** What the program prints from now on. */
  answer(program: Program, text: string): void;
  /** What it complains of from now on; null: of nothing. */
  refuse(program: Program, text: string | null): void;
  /** The arguments of each call so far. */
  calls(program: Program): string[];
}

export function fakeSlurm(folder: string): FakeSlurm {
  mkdirSync(folder, { recursive: true });
  for (const program of programs) {
    writeFileSync(join(folder, program), SCRIPT);
    chmodSync(join(folder, program), 0o755);
  }
  const file = (program: Program, what: string) => join(folder, `${program}.${what}`);
  return {
    path: `${folder}:${process.env.PATH ?? ''}`,
    answer: (program, text) => writeFileSync(file(program, 'answer'), text),
    refuse: (program, text) => {
      if (text === null) rmSync(file(program, 'refusal'), { force: true });
      else writeFileSync(file(program, 'refusal'), text);
    },
    calls: (program) => {
      const calls = file(program, 'calls');
      return existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [];
    },
  };
}
