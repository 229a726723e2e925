/** What is read of workloads' data by a process of its own: one such process at a time, whatever windows ask for. */
import { isDeepStrictEqual } from 'node:util';
import type { Specification } from '#shared/experiment/specification.ts';
import { examineWorkload, type WorkloadFacts } from '../scheduler/calibration.ts';

export class WorkloadReader {
  #last: { readonly subject: unknown; readonly facts: WorkloadFacts } | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  /** Reads the data again. Rejects in plain words when they cannot be read. */
  read(specification: Specification): Promise<WorkloadFacts> {
    return this.#inTurn(() => this.#read(specification));
  }

  /** The same from memory while the same workload is asked for, as for every key that is typed into a form. */
  recent(specification: Specification): Promise<WorkloadFacts> {
    return this.#inTurn(() =>
      this.#last !== null && isDeepStrictEqual(this.#last.subject, subjectOf(specification))
        ? Promise.resolve(this.#last.facts)
        : this.#read(specification),
    );
  }

  async #read(specification: Specification): Promise<WorkloadFacts> {
    this.#last = null;
    const facts = await examineWorkload(specification);
    // Files of a program of the user's own change while it is written, and are read fast.
    if (specification.workload.kind !== 'external') this.#last = { subject: subjectOf(specification), facts };
    return facts;
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** How many examples are held out decides what is trained on. */
function subjectOf({ workload, evaluation }: Specification): unknown {
  return [workload, evaluation];
}
