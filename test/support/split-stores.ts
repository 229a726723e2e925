/** Stores that have trained parts of one experiment, for tests that bring them together. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cellConfigurations } from '#shared/experiment/cells.ts';
import { expandGrid } from '#shared/experiment/grid.ts';
import { specificationSchema, type Specification } from '#shared/experiment/specification.ts';
import { openStore, stackSpoolFile } from '#main/lab/store/index.ts';
import type { WritableStore } from '#main/lab/store/types.ts';
import {
  curveLine,
  finishedLine,
  learningRates,
  marks,
  planFor,
  seeds,
  startLine,
  steps,
  temporaryFolder,
  text,
  trainLines,
  wholeSpool,
  width,
} from './store.ts';

export const splitGrid: Specification = specificationSchema.parse({
  name: 'split',
  workload: { kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] },
  optimizer: { kind: 'sign' },
  learningRates: { list: learningRates },
  batchSizes: { list: [1, 2] },
  seeds: seeds.length,
  length: { steps },
  marks: { geometricPerDecade: 0, list: marks },
  evaluation: { examples: 10 },
});

export const splitIdentity = { key: 'abcd1234', createdAt: 5 };

/** One folder of stores, which are open until `close`. */
export class SplitStores {
  readonly folder = temporaryFolder();
  readonly #opened = new Set<WritableStore>();

  open(name: string): WritableStore {
    const store = openStore(join(this.folder, name));
    this.#opened.add(store);
    return store;
  }

  /** Returns the number of the experiment, or of its part with these batch sizes. */
  create(store: WritableStore, batchSizes = [1, 2], specification = splitGrid): number {
    const cells = cellConfigurations(specification, expandGrid(specification), '').filter((cell) =>
      batchSizes.includes(cell.batchSize),
    );
    return store.createExperiment(specification, cells, splitIdentity).id;
  }

  /** A store that has trained these batch sizes of the experiment. */
  trained(name: string, batchSizes: readonly number[], spool = wholeSpool): WritableStore {
    const store = this.open(name);
    const id = this.create(store, [...batchSizes]);
    for (const stack of store.planStacks(id, batchSizes.map(planFor))) {
      writeFileSync(stackSpoolFile(store.spoolFolder, stack.key), spool(stack.key));
      store.ingest(stack.key);
    }
    return store;
  }

  closeOne(store: WritableStore): void {
    store.close();
    this.#opened.delete(store);
  }

  close(): void {
    for (const store of this.#opened) store.close();
    this.#opened.clear();
  }
}

/** A whole spool with another last evaluation of the cell in `column`. */
export const otherResult = (column: number) => (key: string) => {
  const last = Array.from({ length: width }, (_, cell) => (cell === column ? 77 : 2030.5 + cell));
  return [
    text(startLine(key)),
    ...trainLines(0, steps).map(text),
    text(curveLine('evaluationLoss', marks.length - 1, last)),
    text(finishedLine),
  ].join('');
};
