/** A process of its own for the store tests: `node child.ts hold FILE`, `ingest FILE STACK`, `decide FILE`, `merge FILE SOURCE`. */
import { setTimeout as wait } from 'node:timers/promises';
import { mergeStore } from '#main/lab/merge/merge-store.ts';
import { openStore } from '#main/lab/store/index.ts';
import { cellConfigurations, planFor, specification } from '../../support/store-data.ts';

const [task, file = '', stack = ''] = process.argv.slice(2);
const store = openStore(file);
const say = (line: string) => process.stdout.write(`${line}\n`);
say('open');
switch (task) {
  case 'hold':
    // Nothing below uses the store: the lock must outlive the collection of everything that cannot be reached.
    setTimeout(() => {
      globalThis.gc?.();
      say('collected');
    }, 50);
    setInterval(() => undefined, 1000);
    break;
  case 'ingest':
    // As the lab does it: again and again, while the trainer writes.
    for (;;) {
      const { ending, lines } = store.ingest(stack);
      if (lines > 0) say('ingested');
      if (ending === 'finished') break;
      await wait(3);
    }
    store.close();
    break;
  case 'merge': {
    const merged = mergeStore(store, stack);
    say(`merged ${merged.flatMap(({ problems }) => problems).join('; ')}`);
    store.close();
    break;
  }
  case 'decide':
    // Everything that writes the journal, for ever.
    for (let round = 0; ; round++) {
      const { id, key } = store.createExperiment(specification(`round ${round}`), cellConfigurations());
      say(`created ${key}`);
      // Cells of the first round are shared by all; only that one can be planned.
      if (round === 0) store.planStacks(id, [planFor(1)]);
      store.addEvent({ experiment: id, stack: null, kind: 'note', message: 'x'.repeat(round) });
      store.hold(id, 'for a moment');
      if (round % 3 === 2) {
        store.deleteExperiment(id);
        say(`deleted ${key}`);
      }
    }
}
