/** Reads an experiment file from disk; paths inside it are relative to it. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FileProblem } from '#shared/experiment/file.ts';
import { parseExperimentFile } from '#shared/experiment/file.ts';
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
          return field === '' ? `${place}: ${message}` : `${place}: ${field} ${message}`;
        })
        .join('\n'),
    );
    this.problems = problems;
  }
}

export async function readExperimentFile(
  file: string,
): Promise<{ specification: Specification; warnings: readonly string[] }> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ExperimentFileError(file, [
      {
        line: null,
        column: null,
        field: '',
        message: code === 'ENOENT' ? 'there is no such file' : `cannot be read (${message})`,
      },
    ]);
  }
  const parsed = parseExperimentFile(text);
  if (!parsed.ok) throw new ExperimentFileError(file, parsed.problems);
  return {
    specification: resolvePaths(parsed.specification, dirname(resolve(file))),
    warnings: parsed.warnings,
  };
}

function resolvePaths(specification: Specification, folder: string): Specification {
  const { workload } = specification;
  if (workload.kind !== 'mlp' || workload.data.source !== 'idx') return specification;
  const { images, labels, evaluationImages, evaluationLabels } = workload.data;
  const data = {
    source: 'idx' as const,
    images: resolve(folder, images),
    labels: resolve(folder, labels),
    ...(evaluationImages === undefined ? {} : { evaluationImages: resolve(folder, evaluationImages) }),
    ...(evaluationLabels === undefined ? {} : { evaluationLabels: resolve(folder, evaluationLabels) }),
  };
  return { ...specification, workload: { ...workload, data } };
}
