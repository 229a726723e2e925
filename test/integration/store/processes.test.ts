import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { mergeStore } from '#main/lab/merge/merge-store.ts';
import { openStore, openStoreReadOnly, rebuildStore, stackSpoolFile } from '#main/lab/store/index.ts';
import { createLarge, feed, type LargeGrid } from '../../support/large-store.ts';
import { predictionRecord } from '../../support/prediction.ts';
import {
  cellConfigurations,
  curveLine,
  dump,
  finishedLine,
  removeTemporaryFoldersAfterEach,
  settings,
  specification,
  startLine,
  storeError,
  temporaryFolder,
  text,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

const MERGED: LargeGrid = { name: 'merged', batchSizes: 12, learningRates: 24, seeds: 8, marks: 120 };

interface Child {
  process: ChildProcess;
  lines: string[];
  errors: string[];
  /** Resolves when the child says a line that begins so; rejects when it ends before. */
  says: (beginning: string) => Promise<void>;
  ended: Promise<void>;
}

function start(...parts: string[]): Child {
  const child = spawn(process.execPath, ['--expose-gc', join(import.meta.dirname, 'child.ts'), ...parts], {
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  const lines: string[] = [];
  const errors: string[] = [];
  child.stderr.on('data', (data: Buffer) => errors.push(data.toString()));
  const reader = createInterface(child.stdout);
  reader.on('line', (line) => lines.push(line));
  const ended = once(child, 'close').then(() => undefined);
  const says = async (beginning: string) => {
    while (!lines.some((line) => line.startsWith(beginning))) {
      const over = await Promise.race([once(reader, 'line').then(() => false), ended.then(() => true)]);
      if (over && !lines.some((line) => line.startsWith(beginning))) throw new Error(errors.join(''));
    }
  };
  return { process: child, lines, errors, says, ended };
}

describe('two processes', () => {
  it('cannot both write: the second names the first, readers go on, and a killed writer leaves no lock', async () => {
    const file = join(temporaryFolder(), 'a.surge');
    const holder = start('hold', file);
    await holder.says('collected');
    const error = storeError(() => openStore(file));
    expect(error.code).toBe('locked');
    expect(error.message).toContain(`process ${holder.process.pid}`);
    expect(error.message).toContain('only read');
    expect(storeError(() => rebuildStore(file)).code).toBe('locked');
    const reader = openStoreReadOnly(file);
    expect(reader.experiments()).toEqual([]);
    reader.close();
    holder.process.kill('SIGKILL');
    await holder.ended;
    const store = openStore(file);
    const second = start('hold', file);
    await second.ended;
    expect(second.errors.join('')).toContain(`process ${process.pid}`);
    store.close();
  });
});

describe('kill -9', () => {
  it('at random instants of ingest, and going on, gives the same store as one quiet ingest', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'a.surge');
    const rates = Array.from({ length: 400 }, (_, i) => (i + 1) / 1000);
    const steps = 6000;
    const [cell] = cellConfigurations();
    const cells = rates.map((learningRate) => ({ ...cell, learningRate, steps, marks: [steps] }));
    const store = openStore(file);
    const { id } = store.createExperiment(specification(), cells);
    const plan = { batchSize: 1, learningRates: rates, seeds: [0], steps, marks: [steps] };
    const [stack] = store.planStacks(id, [{ plan, settings }]);
    const parts = [text(startLine(stack.key, 0, rates.length))];
    for (let first = 0; first < steps; first += 20) {
      const values = Array.from({ length: 20 * rates.length }, (_, i) => first * 7 + (i % 9973));
      parts.push(text(curveLine('trainingLoss', first, values, rates.length)));
      if (first % 1000 === 0) parts.push(text({ event: 'diverged', cell: first / 1000, step: first + 1 }));
      // Every now and then a trainer dies and the next one goes on from its checkpoint.
      if (first % 1500 === 500)
        parts.push(text(startLine(stack.key, first - 90, rates.length)), ...again(first));
    }
    function again(first: number): string[] {
      const values = Array.from({ length: 110 * rates.length }, (_, i) => -i % 997);
      return [text(curveLine('trainingLoss', first - 90, values, rates.length))];
    }
    parts.push(
      text(curveLine('evaluationLoss', 0, rates, rates.length)),
      text({ ...finishedLine, step: steps }),
    );
    store.close();
    const spool = Buffer.from(parts.join(''));
    const quietFile = join(folder, 'quiet.surge');
    copyFileSync(file, quietFile);
    cpSync(`${file}.spool`, `${quietFile}.spool`, { recursive: true });
    writeFileSync(stackSpoolFile(`${quietFile}.spool`, stack.key), spool);
    const quiet = openStore(quietFile);
    expect(quiet.ingest(stack.key).ending).toBe('finished');
    quiet.close();

    // The spool grows by a few bytes or by many lines while one process after the other is killed.
    const KILLS = 20;
    let written = 0;
    const write = (size: number) => {
      appendFileSync(stackSpoolFile(`${file}.spool`, stack.key), spool.subarray(written, written + size));
      written += size;
    };
    let kills = 0;
    let halfway = 0;
    for (let done = false; !done;) {
      const child = start('ingest', file, stack.key);
      await child.says('open');
      if (kills < KILLS) {
        kills++;
        const most = (spool.length * kills) / (KILLS + 1);
        while (written < most) {
          write(1 + Math.floor((Math.random() * spool.length) / 150));
          await wait(3);
        }
        // Killed before it has taken anything, or after.
        if (kills % 2 === 0) await child.says('ingested');
        await wait(Math.random() * 60);
        child.process.kill('SIGKILL');
      } else if (written < spool.length) write(spool.length - written);
      await child.ended;
      expect(child.errors).toEqual([]);
      const reader = openStoreReadOnly(file);
      const { state, stepsDone } = reader.stacks(id)[0];
      if (stepsDone > 0 && stepsDone < steps) halfway++;
      if (state === 'finished') done = true;
      reader.close();
    }
    console.log(`${kills} kills, ${halfway} of them in the middle of the spool`);
    expect(halfway).toBeGreaterThan(0);
    const last = openStore(file);
    expect(last.ingest(stack.key)).toMatchObject({ lines: 0, ending: 'finished' });
    last.close();
    expect(dump(file)).toEqual(dump(quiet.file));
  });

  it('at random instants of a merge, and merging again, gives the same store as one quiet merge', async () => {
    const folder = temporaryFolder();
    const source = openStore(join(folder, 'source.surge'));
    const { experiment, stacks } = createLarge(source, MERGED);
    for (const stack of stacks) feed(source, stack, 0, MERGED.marks);
    source.annotate(experiment.id, { notes: 'carried', tags: ['a'] });
    source.addPrediction(experiment.id, predictionRecord());
    source.close();
    const quiet = openStore(join(folder, 'quiet.surge'));
    mergeStore(quiet, source.file);
    quiet.close();

    const file = join(folder, 'killed.surge');
    /** Stacks that have come over, at whatever point the merge is. */
    const arrived = (): number => {
      const reader = openStoreReadOnly(file);
      try {
        return reader.experiments().flatMap(({ id }) => reader.stacks(id)).length;
      } finally {
        reader.close();
      }
    };
    let halfway = 0;
    for (let kills = 0; kills < 8; kills++) {
      const child = start('merge', file, source.file);
      await child.says('open');
      const before = arrived();
      let isOver = false;
      void child.ended.then(() => (isOver = true));
      while (!isOver && arrived() === before) await wait(1);
      // Somewhere in the work on one of the next stacks.
      await wait(Math.random() * 10);
      child.process.kill('SIGKILL');
      await child.ended;
      expect(child.errors).toEqual([]);
      const now = arrived();
      if (now > 0 && now < stacks.length) halfway++;
    }
    const last = start('merge', file, source.file);
    await last.says('merged');
    await last.ended;
    expect(last.lines.at(-1)).toBe('merged ');
    console.log(`8 kills, ${halfway} of them in the middle of the merge`);
    const whole = dump(quiet.file);
    const { events: _, state: __, ...rows } = dump(file);
    for (const [table, expected] of Object.entries(rows)) expect(expected, table).toEqual(whole[table]);
    const after = dump(file);
    const again = openStore(file);
    expect(mergeStore(again, source.file)[0]).toMatchObject({ stacksAdded: 0, predictionsAdded: 0 });
    again.close();
    expect(dump(file)).toEqual(after);
    expect(readdirSync(`${file}.spool`).filter((name) => name.endsWith('.merging'))).toEqual([]);
    rebuildStore(file);
    expect(dump(file).blocks).toHaveLength(after.blocks.length);
  });

  it('at random instants of decisions loses none that was reported, and a rebuild gives the same store', async () => {
    const file = join(temporaryFolder(), 'a.surge');
    const alive = new Set<string>();
    for (let kill = 0; kill < 12; kill++) {
      const child = start('decide', file);
      await child.says('created');
      await wait(Math.random() * 60);
      child.process.kill('SIGKILL');
      await child.ended;
      for (const line of child.lines) {
        const [what, key] = line.split(' ');
        if (what === 'created') alive.add(key);
        if (what === 'deleted') alive.delete(key);
      }
      const store = openStore(file);
      const keys = store.experiments().map((experiment) => experiment.key);
      // The last deletion may have been done and not yet said.
      const lost = [...alive].filter((key) => !keys.includes(key));
      expect(lost.length).toBeLessThanOrEqual(1);
      for (const key of lost) alive.delete(key);
      store.close();
    }
    const wanted = dump(file);
    expect(alive.size).toBeGreaterThan(0);
    expect(rebuildStore(file).skipped).toBe(0);
    expect(dump(file)).toEqual(wanted);
    expect(readFileSync(`${file}.spool/lab.jsonl`, 'utf8').endsWith('\n')).toBe(true);
  });
});
