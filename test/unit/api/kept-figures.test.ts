import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ApiError } from '#shared/api/errors.ts';
import { keepFigure, redrawFigures } from '#main/lab/api/kept-figures.ts';
import { openStore } from '#main/lab/store/index.ts';
import {
  cellConfigurations,
  removeTemporaryFoldersAfterEach,
  specification,
  temporaryFolder,
} from '../../support/store.ts';

removeTemporaryFoldersAfterEach();

const HEADER = 'element,batch_size,learning_rate\n';

/** A store with one experiment, and a printer whose next answer a test sets. */
function lab() {
  const store = openStore(join(temporaryFolder(), 'a.surge'));
  const owner = store.createExperiment(specification(), cellConfigurations());
  let answer: string | ApiError = '';
  const asked: { readonly specification: unknown; readonly formats: readonly string[] }[] = [];
  return {
    store,
    owner,
    asked,
    next: (csv: string | ApiError) => void (answer = csv),
    draw: (argument: (typeof asked)[number]) => {
      asked.push(argument);
      return answer instanceof ApiError
        ? Promise.reject(answer)
        : Promise.resolve([
            { name: 'x.csv', mediaType: 'text/csv', bytes: new TextEncoder().encode(HEADER + answer) },
          ]);
    },
  };
}

const chosen = (key: string, name = 'figure 1') => ({
  name,
  experiments: [key],
  specification: { kind: 'ridge', experiment: key },
  preset: 'nature-89',
});

describe('figures kept through the contract', () => {
  it('are drawn before they are kept, and say what changed when drawn again', async () => {
    const { store, owner, asked, next, draw } = lab();
    const writer = () => store;
    next('optimum,8,0.003\n');
    const kept = await keepFigure(writer, owner, chosen(owner.key), draw);
    expect(kept).toEqual({ ...chosen(owner.key), savedAt: kept.savedAt });
    expect(asked[0]).toMatchObject({ formats: ['csv'], specification: { kind: 'ridge' } });

    const [same] = await redrawFigures(writer, owner, draw);
    expect(same).toMatchObject({ name: 'figure 1', problem: '', difference: { changed: 0, unchanged: 1 } });
    next('optimum,8,0.004\n');
    const [other] = await redrawFigures(writer, owner, draw);
    expect(other.difference?.changes).toEqual([
      { what: 'optimum, batch size 8', column: 'learning rate', before: '0.003', after: '0.004' },
    ]);
    // The new numbers are those to compare with.
    expect((await redrawFigures(writer, owner, draw))[0].difference?.changed).toBe(0);
    store.close();
  });

  it('are not kept when they cannot be drawn; one that no longer can keeps its numbers', async () => {
    const { store, owner, next, draw } = lab();
    const writer = () => store;
    next(new ApiError('bad-argument', 'no such kind', 'specification.kind'));
    await expect(keepFigure(writer, owner, chosen(owner.key), draw)).rejects.toThrow('no such kind');
    expect(store.figures(owner.id)).toEqual([]);
    next('optimum,8,0.003\n');
    await keepFigure(writer, owner, chosen(owner.key), draw);
    next(new ApiError('not-possible', 'it does not fit'));
    expect(await redrawFigures(writer, owner, draw)).toEqual([
      { name: 'figure 1', problem: 'it does not fit', difference: null },
    ]);
    expect(store.figures(owner.id)[0].csv).toBe(`${HEADER}optimum,8,0.003\n`);
    store.close();
  });

  it('with too many numbers are kept without them', async () => {
    const { store, owner, next, draw } = lab();
    next('optimum,8,0.003\n'.repeat(200_000));
    await keepFigure(() => store, owner, chosen(owner.key), draw);
    expect(store.figures(owner.id)[0].csv).toBe('');
    const [redrawn] = await redrawFigures(() => store, owner, draw);
    expect(redrawn).toMatchObject({
      difference: null,
      problem: expect.stringContaining('too large') as string,
    });
    store.close();
  });
});
