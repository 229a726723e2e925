import { describe, expect, it } from 'vitest';
import { toCsv } from '#shared/figure/csv.ts';
import { figureDifference, MOST_LISTED } from '#shared/figure/difference.ts';
import { drawFigure } from '#shared/figure/draw.ts';
import type { Table } from '#shared/figure/figure.ts';
import { figureSpecificationSchema } from '#shared/figure/specification.ts';
import { printStyle } from '#shared/figure/style.ts';
import { galleryData, galleryEntries } from './gallery-entries.ts';
import { FULL } from './sizes.ts';

const columns = ['element', 'law', 'batch_size', 'learning_rate', 'seeds'];
const table = (...rows: Table['rows']) => toCsv({ columns, rows });

describe('the difference of two tables', () => {
  it('lists the numbers of a row that changed, and counts rows that did not', () => {
    const difference = figureDifference(
      table(['optimum', null, 8, 0.003, 5], ['optimum', null, 16, 0.002, 5]),
      table(['optimum', null, 8, 0.0035, 6], ['optimum', null, 16, 0.002, 5]),
    );
    expect(difference).toEqual({
      changes: [
        { what: 'optimum, batch size 8', column: 'learning rate', before: '0.003', after: '0.0035' },
        { what: 'optimum, batch size 8', column: 'seeds', before: '5', after: '6' },
      ],
      changed: 2,
      added: [],
      removed: [],
      unchanged: 1,
    });
  });

  it('takes the batch size of a peak as a result, and rows that come and go for what they are', () => {
    const difference = figureDifference(
      table(['peak', null, 8, 0.003, null], ['optimum', null, 8, null, 5]),
      table(['peak', null, 16, 0.003, null], ['optimum', null, 32, 0.001, 5]),
    );
    expect(difference.changes).toEqual([{ what: 'peak', column: 'batch size', before: '8', after: '16' }]);
    expect(difference.added).toEqual(['optimum, batch size 32']);
    expect(difference.removed).toEqual(['optimum, batch size 8']);
  });

  it('reads quoted fields over several lines', () => {
    const name = 'a "name",\nwith a line end';
    const one = (rate: number) => table(['optimum', name, 8, rate, 5]);
    expect(figureDifference(one(1), one(2)).changes).toEqual([
      { what: `optimum, ${name}, batch size 8`, column: 'learning rate', before: '1', after: '2' },
    ]);
  });

  it('lists so many and counts all', () => {
    const many = (by: number) =>
      table(...Array.from({ length: 500 }, (_, i) => ['optimum', null, i + 1, by, 5]));
    const difference = figureDifference(many(1), many(2));
    expect(difference.changes).toHaveLength(MOST_LISTED);
    expect(difference.changed).toBe(500);
  });

  it('is nothing between nothing', () => {
    const nothing = { changes: [], changed: 0, added: [], removed: [], unchanged: 0 };
    expect(figureDifference('', '')).toEqual(nothing);
    expect(figureDifference(table(), table())).toEqual(nothing);
    expect(figureDifference('', table(['peak', null, 8, 1, null])).added).toEqual(['peak']);
  });

  it.each(galleryEntries)('names every row of $file once', ({ specification }) => {
    const parsed = figureSpecificationSchema.parse(specification);
    const { data } = drawFigure(parsed, galleryData, { width: FULL, style: printStyle });
    const csv = toCsv(data);
    const same = figureDifference(csv, csv);
    const unchanged = data.rows.filter(([element]) => element !== 'law').length;
    expect(same).toMatchObject({ changed: 0, added: [], removed: [], unchanged });
    // Names, and not only the order, tell the rows apart; several seeds may diverge at the same step.
    const names = figureDifference('', csv).added;
    expect(new Set(names).size).toBeGreaterThan(0.9 * names.length);
  });
});
