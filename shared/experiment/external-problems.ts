/** What the fields of an external workload say about each other. */
import type { Problem } from './axis.ts';
import { placeholderNames, placeholdersIn, variableOf } from './external-call.ts';
import type { ExternalWorkload } from './external.ts';

const at = (path: (string | number)[], message: string): Problem => ({
  path: ['workload', ...path],
  message,
});
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function externalProblems(workload: ExternalWorkload): Problem[] {
  const problems: Problem[] = [];
  const { command, shell, environment, results, metrics } = workload;
  if (command[0].trim() === '') problems.push(at(['command', 0], 'must be a program'));
  command.forEach((text, i) => {
    if (text.includes('\0')) problems.push(at(['command', i], 'must not contain a NUL character'));
  });
  if (shell && command.length > 1)
    problems.push(at(['command'], 'must be one text when shell is true: the shell splits it'));
  if (shell)
    for (const name of placeholdersIn(command[0]).known)
      problems.push(
        at(
          ['command', 0],
          `a shell gets no {${name}}, since it would read the value as shell text; write "$${variableOf(name)}"`,
        ),
      );
  for (const [name, value] of Object.entries(environment)) {
    if (!VARIABLE.test(name)) problems.push(at(['environment', name], 'is not a name of a variable'));
    else if (name.startsWith('SURGE_')) problems.push(at(['environment', name], 'is set by the lab'));
    else if (name === 'CUDA_VISIBLE_DEVICES' && workload.gpus !== undefined)
      problems.push(at(['environment', name], 'is set by the lab when gpus is given'));
    if (String(value).includes('\0'))
      problems.push(at(['environment', name], 'must not contain a NUL character'));
  }
  const inside = results.from === 'csv' ? results.file : results.from === 'tensorboard' ? results.folder : '';
  if (/^([\\/]|[A-Za-z]:)/.test(inside) || inside.split(/[\\/]/).includes('..'))
    problems.push(
      at(
        ['results', results.from === 'csv' ? 'file' : 'folder'],
        'lies in the output folder of each cell: give a path inside it, and let the program write to {output}',
      ),
    );
  const names = Object.entries(metrics);
  names.forEach(([field, name], i) => {
    const first = names.findIndex(([, other]) => other === name);
    if (first < i)
      problems.push(
        at(
          ['metrics', field],
          `has the same name as ${names[first][0]} ("${name}"): give the one that the program does not report another name`,
        ),
      );
  });
  return problems;
}

/** What is allowed but probably not meant. */
export function externalWarnings({ command, shell, environment }: ExternalWorkload): string[] {
  const texts = [...(shell ? [] : command), ...Object.values(environment).map(String)];
  const unknown = new Set(texts.flatMap((text) => placeholdersIn(text).unknown));
  const known = placeholderNames.map((name) => `{${name}}`).join(', ');
  return [...unknown].map((name) => `workload: {${name}} is handed over as it is; placeholders are ${known}`);
}
