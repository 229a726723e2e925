import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faces, fontName, type Font } from '#shared/figure/fonts.ts';
import { textWidth } from '#shared/figure/text-width.ts';
import { fontTableSource, rulerOf } from '../../support/font-table.ts';

const fonts: readonly Font[] = (['sans', 'serif'] as const).flatMap((face) => [
  { face },
  { face, bold: true },
  { face, italic: true },
]);

describe('the table of widths', () => {
  it('is what the font files say (vitest -u writes it anew)', async () => {
    await expect(fontTableSource()).toMatchFileSnapshot('../../../shared/figure/font-table.ts');
  });

  it('has every face once', () => {
    expect(fonts.map(fontName)).toEqual([...faces]);
  });

  it.each(fonts)('adds up to the width that the layout of the file gives: %o', (font) => {
    const ruler = rulerOf(fontName(font));
    const words = fc.array(
      fc.constantFrom(
        'optimal learning rate',
        'η',
        'AICc',
        'Tawny',
        'LT',
        '10',
        '−',
        '3',
        '×',
        'batch',
        'of',
        ' ',
      ),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(words, (parts) => {
        const text = parts.join(' ');
        expect(textWidth(text, 2048, font)).toBeCloseTo(ruler.width(text), 6);
      }),
    );
  });

  it('knows the signs of the figures', () => {
    for (const font of fonts) {
      const ruler = rulerOf(fontName(font));
      for (const sign of 'αβηθλσΔΣ−–×≤≥≈→⁻⁰¹²³₁₂…·°±')
        expect(ruler.has(sign), `${fontName(font)} ${sign}`).toBe(true);
    }
  });
});
