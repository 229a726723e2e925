/** Names of a figure's files, without extension. */
import type { FigureSpecification } from '#shared/figure/specification.ts';

const LONGEST = 60;

/** Letters and digits of the name, joined by hyphens. */
export function fileName(experimentName: string): string {
  const words = experimentName.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...words.join('-')].slice(0, LONGEST).join('').replace(/-$/, '') || 'experiment';
}

/** The one asked for, or made of the experiment's name and the kind. Throws RangeError for one that no file can have. */
export function figureName(specification: FigureSpecification, experimentName: string): string {
  const { name, kind } = specification;
  if (name === undefined)
    return `${fileName(experimentName)}-${kind}${kind === 'migration' ? `-${specification.by}` : ''}`;
  if (/[\\/:*?"<>|\p{Control}]|^\.|[. ]$/u.test(name))
    throw new RangeError(
      `A figure cannot be named "${name}": the name becomes a file's, so leave out folders and signs.`,
    );
  return name;
}

/** Experiments whose names differ in their signs only would share a file: the second gets "-2" and so on. */
export function withoutDuplicates<Named extends { readonly name: string }>(
  figures: readonly Named[],
): Named[] {
  const taken = new Set<string>();
  return figures.map((figure) => {
    let free = figure.name;
    // Some file systems take upper and lower case for the same.
    for (let i = 2; taken.has(free.toLowerCase()); i++) free = `${figure.name}-${i}`;
    taken.add(free.toLowerCase());
    return { ...figure, name: free };
  });
}
