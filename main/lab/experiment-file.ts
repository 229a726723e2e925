/** Reads an experiment file from disk; paths inside it are relative to it. */
import { createReadStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { withDataPaths } from '#shared/experiment/data-paths.ts';
import type { FileProblem } from '#shared/experiment/file.ts';
import { MAX_FILE_CHARACTERS, parseExperimentFile } from '#shared/experiment/file.ts';
import type { Specification } from '#shared/experiment/specification.ts';

/** The message has one line a problem: file:line:column field: what is wrong. */
export class ExperimentFileError extends Error {
  override readonly name = 'ExperimentFileError';
  readonly problems: readonly FileProblem[];

  constructor(file: string, problems: readonly FileProblem[]) {
    super(
      problems
        .map(({ line, column, field, message }) => {
          const place = line === null ? file : `${file}:${line}:${column ?? 1}`;
          return field === '' ? `${place}: ${message}` : `${place} ${field}: ${message}`;
        })
        .join('\n'),
    );
    this.problems = problems;
  }
}

/**
 * Reads and checks the file; relative paths of data files in it are resolved against its folder. Throws
 * ExperimentFileError with every problem found. Pipes can be read too.
 */
export async function readExperimentFile(
  file: string,
): Promise<{ specification: Specification; warnings: readonly string[] }> {
  const parsed = parseExperimentFile(await readText(file));
  if (!parsed.ok) throw new ExperimentFileError(file, parsed.problems);
  return {
    specification: resolvePaths(parsed.specification, dirname(resolve(file))),
    warnings: parsed.warnings,
  };
}

/** Text of an experiment file or one like it. Throws ExperimentFileError. Reads no more than it takes to see that the file is too large, so that a data file or a device does no harm. */
export async function readText(file: string, kind = 'an experiment file'): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of createReadStream(file) as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      // UTF-8 has at most three bytes for each UTF-16 unit that the limit counts.
      if (bytes > 3 * MAX_FILE_CHARACTERS) break;
    }
  } catch (error) {
    throw new ExperimentFileError(file, [
      { line: null, column: null, field: '', message: readFailure(error as NodeJS.ErrnoException, kind) },
    ]);
  }
  return Buffer.concat(parts).toString('utf8');
}

function readFailure({ code, message }: NodeJS.ErrnoException, kind: string): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EISDIR':
      return `this is a folder, not ${kind}`;
    case 'EACCES':
      return 'cannot be read: permission denied';
    default:
      return `cannot be read (${message})`;
  }
}

function resolvePaths(specification: Specification, folder: string): Specification {
  const { workload } = specification;
  if (workload.kind === 'external')
    return { ...specification, workload: { ...workload, folder: resolve(folder, workload.folder) } };
  return { ...specification, workload: withDataPaths(workload, (path) => resolve(folder, path)) };
}
