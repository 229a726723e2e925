/** Warnings as every command shows them. They are part of the answer, so they go to standard output like the rest. */
import type { Warning } from '#shared/theory/warnings.ts';
import { print } from './terminal.ts';

/** One line each, with the code that docs/science.md explains. Nothing when there are none. */
export function printWarnings(warnings: readonly Warning[]): void {
  for (const { code, sentence } of warnings) print(`warning [${code}]: ${sentence}`);
}
