/** Imported sweeps: a file with its mapping is one thing, and comes over with all the families that its store has of it. */
import { isDeepStrictEqual } from 'node:util';
import type { ImportedFamily } from '#shared/import/sweep.ts';
import { StoreError } from '../store/index.ts';
import type { ExperimentSummary, ImportedSource, ReadableStore, WritableStore } from '../store/types.ts';
import { mergeAnnotations } from './annotations.ts';
import type { MergedExperiment } from './merged.ts';

interface Theirs extends ExperimentSummary {
  readonly imported: ImportedSource;
}

const isImported = (experiment: ExperimentSummary): experiment is Theirs => experiment.imported !== null;

/** `wanted` may name any experiments: those trained there are passed over. */
export function mergeImports(
  target: WritableStore,
  source: ReadableStore,
  wanted: readonly ExperimentSummary[],
): MergedExperiment[] {
  const keys = new Set(wanted.filter(isImported).map(({ imported }) => imported.key));
  const families = source.experiments().filter(isImported);
  return [...Map.groupBy(families, ({ imported }) => imported.key)]
    .filter(([key]) => keys.has(key))
    .flatMap(([, members]) => mergeImport(target, source, members));
}

function mergeImport(
  target: WritableStore,
  source: ReadableStore,
  families: readonly Theirs[],
): MergedExperiment[] {
  const [{ imported, createdAt }] = families;
  const { key, name, file, checksum, bytes, mapping, report, batchUnit, goal } = imported;
  const rows = families.map(({ id }) => source.importedFamily(id));
  let stored: ReturnType<WritableStore['importSweep']>;
  try {
    stored = target.importSweep(
      { name, file, checksum, bytes, mapping },
      { ok: true, batchUnit, goal, report, families: rows },
      { key, createdAt, experiments: families.map((family) => family.key) },
    );
  } catch (error) {
    if (!(error instanceof StoreError) || error.code === 'disk-full') throw error;
    return families.map((family) => resultOf(family, { problems: [error.message] }));
  }
  const { experiments, isNew } = stored;
  const results = families.map((family, i): MergedExperiment => {
    const ours = experiments.find((each) => each.imported?.label === family.imported.label);
    if (ours === undefined)
      return resultOf(family, {
        problems: [
          `${file} was imported here without this family, or it was deleted here. Delete the other families of "${name}" to take them all.`,
        ],
      });
    const differences = mergeAnnotations(target, ours, family);
    if (!isNew && !sameRows(rows[i], target.importedFamily(ours.id)))
      differences.push('its file was read in another way there; what was read here stays');
    return resultOf(target.experiment(ours.key), { isNew, differences });
  });
  if (isNew)
    for (const { id } of experiments)
      target.addEvent({ experiment: id, stack: null, kind: 'merge', message: `came from ${source.file}` });
  return results;
}

/** What the analyses say follows from the rows, and may be said in other words by another version. */
function sameRows(theirs: ImportedFamily, ours: ImportedFamily): boolean {
  return isDeepStrictEqual({ ...theirs, analyses: [] }, { ...ours, analyses: [] });
}

function resultOf(
  { key, name }: ExperimentSummary,
  known: Partial<Pick<MergedExperiment, 'isNew' | 'differences' | 'problems'>>,
): MergedExperiment {
  return {
    ...{ key, name, isNew: false, isImported: true, stacksAdded: 0, stacksExtended: 0, identicalCells: 0 },
    ...{ predictionsAdded: 0, conflicts: [], differences: [], problems: [] },
    ...known,
  };
}
