/** Experiment files: YAML to a specification, with the place of every problem. */
import { stringify } from 'yaml';
import type { Specification } from './specification.ts';
import { parseSpecification } from './validate.ts';
import { parseYamlFile, type FileProblem } from './yaml.ts';

export { MAX_FILE_CHARACTERS, type FileProblem } from './yaml.ts';

export type ParsedFile =
  | { readonly ok: true; readonly specification: Specification; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Never throws: whatever the text is, its problems say where it is wrong and why. */
export function parseExperimentFile(text: string): ParsedFile {
  return parseYamlFile(text, 'an experiment file', parseSpecification);
}

/** A file that parses to the same specification. */
export function specificationToYaml(specification: Specification): string {
  // Folded long lines would be read back with other white space.
  return stringify(specification, { version: '1.2', lineWidth: 0, aliasDuplicateObjects: false });
}
