/** What the shell asks at its start. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Lab } from '#main/lab/lab.ts';
import { interruptedExperiments, offerToContinue, wantsEngine } from '#main/app/questions.ts';
import { resetElectron, world } from '../../support/electron/index.ts';

const engine = vi.hoisted(() => ({ isThere: true, isOffered: true }));
vi.mock('electron', () => import('../../support/electron/index.ts'));
vi.mock(import('#main/setup/locate-engine.ts'), async (original) => ({
  ...(await original()),
  locateEngine: () => (engine.isThere ? ({} as never) : null),
}));
vi.mock(import('#main/setup/wheels.ts'), async (original) => ({
  ...(await original()),
  wheelPlatforms: () => {
    if (engine.isOffered) return ['manylinux_2_36_x86_64'];
    throw new Error('There is no TensorFlow engine for win32-x64.');
  },
}));

interface Known {
  key: string;
  name: string;
  counts: { interrupted: number };
  hold: string | null;
  imported: object | null;
}
const known = (key: string, changes: Partial<Known> = {}): Known => ({
  ...{ key, name: `Sweep ${key}`, counts: { interrupted: 2 }, hold: null, imported: null },
  ...changes,
});

let experiments: Known[];
let started: string[];
let lab: Lab;

beforeEach(() => {
  resetElectron();
  Object.assign(engine, { isThere: true, isOffered: true });
  experiments = [];
  started = [];
  lab = {
    access: 'write',
    store: { experiments: () => experiments },
    find: (key: string) => experiments.find((one) => one.key === key),
    start: ({ key }: Known) => started.push(key),
  } as unknown as Lab;
});

describe('a sweep that was interrupted', () => {
  it('is offered, and goes on when that is wanted', async () => {
    experiments = [known('a')];
    world.answers.push('Continue Training');
    expect(await offerToContinue(lab, null)).toBe('a');
    expect(world.questions).toMatchObject([{ message: '“Sweep a” was interrupted.' }]);
    expect(started).toEqual(['a']);
  });

  it('waits when it is not wanted, and also when the question is closed', async () => {
    experiments = [known('a')];
    world.answers.push('Not Now');
    expect(await offerToContinue(lab, null)).toBeNull();
    expect(started).toEqual([]);
    expect(world.questions[0]).toMatchObject({ cancelId: 1 });
  });

  it.each([
    [2, '“Sweep 0” and 1 other experiment were interrupted.'],
    [4, '“Sweep 0” and 3 other experiments were interrupted.'],
  ])('is one of %d, in one question', async (count, message) => {
    experiments = Array.from({ length: count }, (_, i) => known(String(i)));
    world.answers.push('Continue Training');
    expect(await offerToContinue(lab, null)).toBe('0');
    expect(world.questions).toMatchObject([{ message }]);
    expect(started).toEqual(experiments.map(({ key }) => key));
  });

  it.each<[string, Partial<Known>]>([
    ['was paused on request', { hold: 'paused on request' }],
    ['was trained elsewhere', { imported: { name: 'lab B' } }],
    ['has nothing half done', { counts: { interrupted: 0 } }],
  ])('is not one that %s', async (_what, changes) => {
    experiments = [known('a', changes)];
    expect(await offerToContinue(lab, null)).toBeNull();
    expect(world.questions).toEqual([]);
  });

  it('is not offered where nothing can be trained', async () => {
    experiments = [known('a')];
    engine.isThere = false;
    expect(await offerToContinue(lab, null)).toBeNull();
    engine.isThere = true;
    Object.assign(lab, { access: 'read' });
    expect(interruptedExperiments(lab)).toEqual([]);
    expect(await offerToContinue(lab, null)).toBeNull();
    expect(world.questions).toEqual([]);
  });
});

describe('the engine', () => {
  it('is offered when it is missing', async () => {
    engine.isThere = false;
    world.answers.push('Fetch It Now', 'Later');
    expect([await wantsEngine(null, 'cpu'), await wantsEngine(null, 'cpu')]).toEqual([true, false]);
    expect(world.questions[0].detail).toContain('270 MB');
    await wantsEngine(null, 'cuda');
    expect(world.questions.at(-1)!.detail).toContain('5.3 GB');
  });

  it('is not offered when it is there', async () => {
    expect(await wantsEngine(null, 'cpu')).toBe(false);
    expect(world.questions).toEqual([]);
  });

  it('is not offered where there is none', async () => {
    Object.assign(engine, { isThere: false, isOffered: false });
    expect(await wantsEngine(null, 'cpu')).toBe(false);
    expect(world.questions).toEqual([]);
  });
});
