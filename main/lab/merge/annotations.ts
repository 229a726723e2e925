/**
 * Name, notes and tags of an experiment that two stores have. What only one of them changed counts; where both did, the
 * target's own stay and the difference is told.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Annotations, ExperimentSummary, WritableStore } from '../store/types.ts';

/** As they were before anybody annotated the experiment. */
function isUntouched(field: keyof Annotations, experiment: ExperimentSummary): boolean {
  const { name, notes, tags, specification, imported } = experiment;
  if (field === 'tags') return tags.length === 0;
  if (field === 'notes') return notes === (specification?.notes ?? '');
  if (imported !== null) return name === imported.name || name === `${imported.name}: ${imported.label}`;
  return name === specification?.name;
}

const inWords: Readonly<
  Record<keyof Annotations, (ours: ExperimentSummary, theirs: ExperimentSummary) => string>
> = {
  name: (ours, theirs) => `there it is called "${theirs.name}"; "${ours.name}" stays its name here`,
  notes: () => 'it has other notes there; those here stay',
  tags: (ours, theirs) =>
    `there it has the tags ${theirs.tags.join(', ')}; those here stay: ${ours.tags.join(', ')}`,
};

/** Returns the differences that stay, in words. */
export function mergeAnnotations(
  target: WritableStore,
  ours: ExperimentSummary,
  theirs: ExperimentSummary,
): string[] {
  const differing = (['name', 'notes', 'tags'] as const).filter(
    (field) => !isDeepStrictEqual(ours[field], theirs[field]) && !isUntouched(field, theirs),
  );
  const [taken, kept] = [
    differing.filter((field) => isUntouched(field, ours)),
    differing.filter((field) => !isUntouched(field, ours)),
  ];
  if (taken.length > 0)
    target.annotate(ours.id, Object.fromEntries(taken.map((field) => [field, theirs[field]])));
  return kept.map((field) => inWords[field](ours, theirs));
}
