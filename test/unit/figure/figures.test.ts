import { describe, expect, it } from 'vitest';
import { toCsv } from '#shared/figure/csv.ts';
import { serialise } from '#shared/figure/tree.ts';
import { cases } from './cases.ts';
import { moreCases } from './more-cases.ts';
import { predictionCases } from './prediction-cases.ts';
import { protocolCases } from './protocol-cases.ts';
import { scienceCases } from './science-cases.ts';
import { elementsOf, outsidePage, overlappingTexts, textOf } from '#shared/figure/geometry.ts';
import { theoryCases } from './theory-cases.ts';
import { parseXml } from './xml.ts';

describe.each([
  ...cases,
  ...scienceCases,
  ...protocolCases,
  ...theoryCases,
  ...predictionCases,
  ...moreCases,
])('%s', (name, draw) => {
  const figure = draw();
  const svg = serialise(figure.tree);

  it('looks as it did', async () => {
    await expect(svg).toMatchFileSnapshot(`snapshots/${name.replaceAll(/[^a-z0-9]+/g, '-')}.svg`);
  });

  it('is the same when drawn again', () => {
    expect(serialise(draw().tree)).toBe(svg);
  });

  it('is well-formed XML with the name as its title', () => {
    const root = parseXml(svg);
    expect(root.tag).toBe('svg');
    expect(root.children[0]).toMatchObject({ tag: 'title' });
    expect(root.children[0].text).toContain('digits <sign> & descent');
  });

  it('has no two texts over each other', () => {
    expect(overlappingTexts(figure.tree)).toEqual([]);
  });

  it('stays on its page', () => {
    expect(outsidePage(figure.tree)).toEqual([]);
  });

  it('has a rectangular table whose size is the number of drawn rows', () => {
    const { columns, rows } = figure.data;
    for (const row of rows) expect(row).toHaveLength(columns.length);
    expect(toCsv(figure.data).trimEnd().split('\n')).toHaveLength(rows.length + 1);
  });

  it('says in the picture what it leaves out', () => {
    const texts = elementsOf(figure.tree)
      .filter((node) => node.tag === 'text')
      .map(textOf)
      .join('\n');
    for (const reason of Object.keys(figure.caption.counts))
      expect(texts).toContain(reason.replace(/^(interval|line)s /, ''));
  });
});

const counts = (name: string) => cases.get(name)!().caption.counts;

describe('what is left out', () => {
  it('counts diverged, missing and clipped means in every panel', () => {
    // Two panels of 6 batch sizes × 9 learning rates.
    expect(counts('losses, all diverged')).toEqual({ diverged: 108 });
    expect(counts('heat map, all diverged')).toEqual({ diverged: 54 });
    expect(counts('heat map, half missing')).toMatchObject({ missing: 29 });
    expect(counts('losses, three far away')).toMatchObject({ clipped: 6 });
  });

  it('counts values without a place on a log axis instead of bending them', () => {
    const figure = cases.get('losses, negative values on a log axis')!();
    const negative = figure.data.rows.filter((row) => row[1] === 'mean' && Number(row[6]) <= 0);
    expect(negative.length).toBeGreaterThan(0);
    expect(figure.caption.counts['not on a log axis']).toBe(negative.length);
  });

  it('counts intervals that end beyond the axis', () => {
    expect(counts('losses, ordinary')['intervals clipped']).toBeUndefined();
    expect(counts('heat map, interval beyond the axis')['intervals clipped']).toBe(6);
    expect(counts('migration, interval beyond the axis')['intervals clipped']).toBe(12);
  });

  it('states the seeds: all, or how many of the planned', () => {
    const notes = (name: string) => elementsOf(cases.get(name)!().tree).map(textOf);
    expect(notes('heat map, ordinary')).toContain('8 seeds');
    expect(notes('migration, half missing').join()).toContain('3 of 8 seeds');
  });

  it('warns when there is nothing to see', () => {
    expect(cases.get('losses, all diverged')!().warnings).toHaveLength(1);
    expect(cases.get('migration, no optimum')!().warnings).toHaveLength(1);
    expect(cases.get('losses, ordinary')!().warnings).toEqual([]);
  });
});
