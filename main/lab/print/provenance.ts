/** Where a figure's numbers come from. */
import type { FigureSpecification } from '#shared/figure/specification.ts';
import type { EngineProvenance } from '#main/training/protocol.ts';
import type { ReadableStore } from '../store/types.ts';

export interface Source {
  readonly key: string;
  readonly name: string;
  /** Checksums of the training data, or of the imported file. */
  readonly dataChecksums: readonly string[];
  /** Whatever trained it; several when it was continued elsewhere. */
  readonly engines: readonly EngineProvenance[];
}

/** Names or keys of the experiments that a figure shows. */
export function experimentsOf(specification: FigureSpecification): readonly string[] {
  const { experiment, experiments } = specification as {
    readonly experiment?: string;
    readonly experiments?: readonly string[];
  };
  return experiment === undefined ? (experiments ?? []) : [experiment];
}

export function sourcesOf(specification: FigureSpecification, store: ReadableStore): Source[] {
  return experimentsOf(specification).map((nameOrKey) => {
    const { id, key, name, imported } = store.experiment(nameOrKey);
    const engines = new Map(
      store
        .stacks(id)
        .flatMap(({ engine }) => (engine === null ? [] : [[JSON.stringify(engine), engine] as const])),
    );
    const checksums =
      imported === null
        ? store.cells(id).map((cell) => cell.configuration.dataChecksum)
        : [imported.checksum];
    return {
      key,
      name,
      dataChecksums: [...new Set(checksums)].sort(),
      engines: [...engines.values()],
    };
  });
}
