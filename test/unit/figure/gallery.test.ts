/** docs/gallery.md: every figure drawn from what a person writes, with its caption. Run with -u to draw it anew. */
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { drawFigure } from '#shared/figure/draw.ts';
import { outsidePage, overlappingTexts } from '#shared/figure/geometry.ts';
import { figureKinds, figureSpecificationSchema, presetNameOf } from '#shared/figure/specification.ts';
import { printStyle } from '#shared/figure/style.ts';
import { serialise } from '#shared/figure/tree.ts';
import { galleryData, galleryEntries } from './gallery-entries.ts';
import { COLUMN, FULL } from './sizes.ts';

const drawn = galleryEntries.map((entry) => {
  const specification = figureSpecificationSchema.parse(entry.specification);
  const width = presetNameOf(specification) === 'nature-89' ? COLUMN : FULL;
  return { ...entry, figure: drawFigure(specification, galleryData, { width, style: printStyle }) };
});

describe('gallery', () => {
  it('shows every kind of figure', () => {
    expect(new Set(galleryEntries.map(({ specification }) => specification.kind))).toEqual(
      new Set(figureKinds),
    );
  });

  it.each(drawn)('draws $file without warnings, on its page, with texts apart', async ({ file, figure }) => {
    expect(figure.warnings).toEqual([]);
    expect(outsidePage(figure.tree, 'sans')).toEqual([]);
    expect(overlappingTexts(figure.tree, 'sans')).toEqual([]);
    await expect(serialise(figure.tree)).toMatchFileSnapshot(`../../../docs/images/gallery/${file}.svg`);
  });

  it('labels a comparison by what varies', () => {
    const compared = drawn.find(({ file }) => file === 'compare')!;
    expect(new Set(compared.figure.data.rows.map((row) => row[1]))).toEqual(
      new Set(['beta1 0', 'beta1 0.9']),
    );
  });

  it('is a page', async () => {
    await expect(page()).toMatchFileSnapshot('../../../docs/gallery.md');
  });
});

function page(): string {
  const parts = drawn.map(({ heading, file, specification, figure: { caption } }) =>
    [
      `## ${heading}`,
      `![${heading}](images/gallery/${file}.svg)`,
      `${caption.text} Definition: ${caption.definition}.`,
      `\`\`\`yaml\n${stringify(specification, { lineWidth: 0 })}\`\`\``,
    ].join('\n\n'),
  );
  return [
    '# Gallery',
    'Every kind of figure, drawn from the specification below it; what is left out of a specification has a default (`shared/figure/specification.ts`). The sweeps are made up; captions are those that are written beside a figure. The tests draw this page: `npx vitest run --project unit test/unit/figure/gallery.test.ts -u`.',
    ...parts,
  ]
    .join('\n\n')
    .concat('\n');
}
