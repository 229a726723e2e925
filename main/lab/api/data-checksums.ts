/** Checksums of data, which a process of its own has to read: one such process at a time, whatever windows ask for. */
import { isDeepStrictEqual } from 'node:util';
import type { Specification } from '#shared/experiment/specification.ts';
import { dataChecksum } from '../scheduler/calibration.ts';

export class DataChecksums {
  #last: { readonly data: unknown; readonly checksum: string } | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  /** Reads the data again. Rejects in plain words when they cannot be read. */
  of(specification: Specification): Promise<string> {
    return this.#inTurn(() => this.#read(specification));
  }

  /** The same from memory while the same data are asked for, as for every key that is typed into a form. */
  recent(specification: Specification): Promise<string> {
    const data = dataOf(specification);
    return this.#inTurn(() =>
      this.#last !== null && isDeepStrictEqual(this.#last.data, data)
        ? Promise.resolve(this.#last.checksum)
        : this.#read(specification),
    );
  }

  async #read(specification: Specification): Promise<string> {
    const data = dataOf(specification);
    if (data === null) return dataChecksum(specification);
    this.#last = null;
    const checksum = await dataChecksum(specification);
    this.#last = { data, checksum };
    return checksum;
  }

  #inTurn(work: () => Promise<string>): Promise<string> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function dataOf({ workload }: Specification): unknown {
  return 'data' in workload ? workload.data : null;
}
