import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { cellStates } from '#shared/experiment/stack.ts';
import type { WatchSnapshot } from '#shared/api/types.ts';
import { WatchedCurves } from '#main/lab/api/watched-curves.ts';
import { openStore, openStoreReadOnly, stackSpoolFile } from '#main/lab/store/index.ts';
import type { ExperimentSummary, ReadableStore, Stack, WritableStore } from '#main/lab/store/types.ts';
import { LiveCurves } from '#renderer/watch/model/live-curves.ts';
import {
  append,
  cellConfigurations,
  curveLine,
  finishedLine,
  planFor,
  removeTemporaryFoldersAfterEach,
  specification,
  startLine,
  temporaryFolder,
  trainLines,
  width,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();
const open: ReadableStore[] = [];
afterEach(() => {
  for (const store of open.splice(0)) store.close();
});

interface Sweep {
  readonly store: WritableStore;
  readonly experiment: ExperimentSummary;
  readonly stacks: readonly Stack[];
  readonly spool: (stack: Stack, ...lines: object[]) => void;
}

function sweep(batches = [1, 2]): Sweep {
  const store = openStore(join(temporaryFolder(), 'lab.surge'));
  open.push(store);
  const experiment = store.createExperiment(specification(), cellConfigurations());
  const stacks = store.planStacks(experiment.id, batches.map(planFor));
  const spool = (stack: Stack, ...lines: object[]) => {
    append(stackSpoolFile(store.spoolFolder, stack.key), ...lines);
    store.ingest(stack.key);
  };
  return { store, experiment, stacks, spool };
}

/** A window's copy: snapshots are copied, since over a connection they would be. */
function windowOf(curves: WatchedCurves): LiveCurves {
  return new LiveCurves(structuredClone(curves.snapshot()));
}

/** Brings the window up to date as the client does: by a difference, or by a snapshot where that cannot be. */
function follow(live: LiveCurves, curves: WatchedCurves): LiveCurves {
  curves.refresh();
  if (curves.cursor === live.cursor) return live;
  const outcome = live.apply(curves.since(live.cursor));
  return outcome === 'gap' ? windowOf(curves) : live;
}

/** What the store itself says now. */
function truth(store: ReadableStore, experiment: ExperimentSummary): WatchSnapshot {
  return new WatchedCurves(store, experiment, 'evaluationLoss').snapshot();
}

function expectSame(live: LiveCurves, now: WatchSnapshot): void {
  expect(live.curves.values).toEqual(now.values);
  expect(live.curves.recorded).toEqual(now.recorded);
  expect(live.curves.divergedAt).toEqual(now.divergedAt);
  expect(live.states).toEqual(now.states);
}

describe('watched curves', () => {
  it('begin with everything the store has, states of each place included', () => {
    const { store, experiment, stacks, spool } = sweep([1]);
    spool(stacks[0], startLine(stacks[0].key), ...trainLines(0, 4));
    const snapshot = truth(store, experiment);
    const curveSet = store.curveSet(experiment.id, 'evaluationLoss');
    expect(snapshot.values).toEqual(curveSet.values);
    expect(snapshot.recorded).toEqual(curveSet.recorded);
    expect(snapshot.states.length).toBe(12);
    expect([...snapshot.states].every((state) => cellStates[state] === 'planned')).toBe(true);
  });

  it('tell the new points only, and nothing when nothing changed', () => {
    const { store, experiment, stacks, spool } = sweep();
    const curves = new WatchedCurves(store, experiment, 'evaluationLoss');
    const start = curves.cursor;
    expect(curves.refresh()).toBe(false);
    spool(stacks[0], startLine(stacks[0].key), ...trainLines(0, 2));
    expect(curves.refresh()).toBe(true);
    const middle = curves.cursor;
    spool(stacks[0], ...trainLines(2, 4));
    curves.refresh();
    const delta = curves.since(middle);
    expect(delta).toMatchObject({ from: middle, to: curves.cursor });
    expect([...delta.firstMark]).toEqual(new Array(width).fill(2));
    expect([...delta.counts]).toEqual(new Array(width).fill(1));
    const merged = curves.since(start);
    expect([...merged.counts]).toEqual(new Array(width).fill(3));
    expect(merged.cells.length).toBe(width);
    expect(curves.refresh()).toBe(false);
  });

  it('follow a stack that goes back to its checkpoint, and one that is planned anew', () => {
    const { store, experiment, stacks, spool } = sweep();
    const [first] = stacks;
    const curves = new WatchedCurves(store, experiment, 'evaluationLoss');
    let live = windowOf(curves);
    const look = () => expectSame((live = follow(live, curves)), truth(store, experiment));
    store.stackStarted(first.key, { pid: 1, startTicks: 1 });
    spool(first, startLine(first.key), ...trainLines(0, 4), { event: 'diverged', cell: 2, step: 4 });
    look();
    store.stackEnded(first.key, 'interrupted', 'killed');
    look();
    store.stackStarted(first.key, { pid: 2, startTicks: 2 });
    look();
    // From step 2 on, with other values in the rewritten point and no divergence.
    spool(first, startLine(first.key, 2), curveLine('evaluationLoss', 2, new Array<number>(width).fill(0.5)));
    look();
    store.stackEnded(first.key, 'failed', 'broken');
    look();
    store.resetCells(experiment.id, ['failed']);
    look();
    const [again] = store.planStacks(experiment.id, [planFor(1)]);
    look();
    spool(again, startLine(again.key), ...trainLines(0, 8), finishedLine);
    look();
    expect(live.curves.recorded[0]).toBe(4);
  });

  it('equal the store after any course of events, however rarely a window looks', () => {
    const event = fc.record({
      stack: fc.nat(1),
      what: fc.constantFrom('train', 'train', 'train', 'restart', 'diverge', 'look', 'fail'),
      steps: fc.constantFrom(2, 4),
    });
    fc.assert(
      fc.property(fc.array(event, { minLength: 5, maxLength: 25 }), (events) => {
        const { store, experiment, stacks, spool } = sweep();
        const current = [...stacks];
        const done = [0, 0];
        const isStarted = [false, false];
        const curves = new WatchedCurves(store, experiment, 'evaluationLoss');
        let live = windowOf(curves);
        const begin = (i: number, step: number) => {
          store.stackStarted(current[i].key, { pid: 1, startTicks: 1 });
          spool(current[i], startLine(current[i].key, step));
          done[i] = step;
          isStarted[i] = true;
        };
        for (const { stack: i, what, steps } of events) {
          const to = Math.min(8, done[i] + steps);
          if (what === 'look') live = follow(live, curves);
          else if (done[i] === 8) continue;
          else if (!isStarted[i]) begin(i, 0);
          else if (what === 'train') {
            spool(current[i], ...trainLines(done[i], to));
            done[i] = to;
            if (to === 8) spool(current[i], finishedLine);
          } else if (what === 'restart') begin(i, Math.max(0, done[i] - steps));
          else if (what === 'diverge')
            spool(current[i], { event: 'diverged', cell: steps, step: Math.max(1, done[i]) });
          else {
            store.stackEnded(current[i].key, 'failed', 'broken');
            store.resetCells(experiment.id, ['failed']);
            [current[i]] = store.planStacks(experiment.id, [planFor(i + 1)]);
            isStarted[i] = false;
            done[i] = 0;
          }
        }
        expectSame(follow(live, curves), truth(store, experiment));
      }),
      { numRuns: 60 },
    );
  });

  it('see what another program writes', () => {
    const { store, experiment, stacks, spool } = sweep();
    const reader = openStoreReadOnly(store.file);
    open.push(reader);
    const curves = new WatchedCurves(reader, experiment, 'evaluationLoss');
    const live = windowOf(curves);
    const before = reader.revision();
    expect(reader.revision()).toBe(before);
    spool(stacks[0], startLine(stacks[0].key), ...trainLines(0, 8), finishedLine);
    expect(reader.revision()).not.toBe(before);
    expectSame(follow(live, curves), truth(store, experiment));
  });

  it('do not take the cursor of another time or place for one of theirs', () => {
    const { store, experiment, stacks, spool } = sweep();
    const curves = new WatchedCurves(store, experiment, 'evaluationLoss');
    expect(curves.knows(curves.cursor)).toBe(true);
    for (const other of [0, 57, curves.cursor - 1, curves.cursor + 1])
      expect(curves.knows(other)).toBe(false);
    spool(stacks[0], startLine(stacks[0].key), ...trainLines(0, 4));
    curves.refresh();
    expect(curves.since(12)).toMatchObject({
      from: curves.cursor,
      to: curves.cursor,
      cells: new Uint32Array(0),
    });
  });

  it('ignore a half written line and what is no line at all', () => {
    const { store, experiment, stacks, spool } = sweep();
    const curves = new WatchedCurves(store, experiment, 'evaluationLoss');
    let live = windowOf(curves);
    spool(stacks[0], startLine(stacks[0].key), ...trainLines(0, 2));
    appendFileSync(stackSpoolFile(store.spoolFolder, stacks[0].key), 'garbage\n{"event":"curve","met');
    store.ingest(stacks[0].key);
    live = follow(live, curves);
    expectSame(live, truth(store, experiment));
  });
});
