import { identify } from '#main/lab/scheduler/processes.ts';
import { openStoreReadOnly } from '#main/lab/store/index.ts';

/** Processes of trainers that a store knows to be running. */
export function trainers(file: string): number[] {
  const store = openStoreReadOnly(file);
  try {
    return store
      .experiments()
      .flatMap(({ id }) => store.stacks(id))
      .flatMap(({ state, process: its }) => (state === 'running' && its !== null ? [its.pid] : []))
      .filter((pid) => identify(pid) !== null);
  } finally {
    store.close();
  }
}
