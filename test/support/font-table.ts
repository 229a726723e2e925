/** The text of shared/figure/font-table.ts, measured from the font files. */
import PDFDocument from 'pdfkit';
import { fontFile } from '#main/lab/print/fonts.ts';
import { faces, type FontName } from '#shared/figure/fonts.ts';

/** What pdfkit's embedded font gives beside its public interface. */
interface OpenFont {
  readonly _font: { readonly font: { hasGlyphForCodePoint(code: number): boolean } };
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Latin, Greek, Cyrillic, and the signs of texts and formulas. */
const repertoire = [
  ...range(0x20, 0x7e),
  ...range(0xa0, 0x17f),
  ...range(0x370, 0x3ff),
  ...range(0x400, 0x45f),
  ...range(0x2010, 0x2027),
  ...range(0x2030, 0x203a),
  ...range(0x2070, 0x208e),
  0x20ac,
  0x2113,
  0x2126,
  ...range(0x2190, 0x2195),
  ...range(0x2200, 0x22ff),
];

/** Pairs of these are measured: what our texts consist of. */
const kerned = [...range(0x21, 0x7e), ...range(0x391, 0x3c9), 0x2013, 0x2019, 0x2212];

export interface Ruler {
  has(character: string): boolean;
  /** Advance with kerning and ligatures, in 1/2048 em. */
  width(text: string): number;
}

export function rulerOf(name: FontName): Ruler {
  const document = new PDFDocument({ font: fontFile(name) });
  document.fontSize(2048);
  return {
    has: (character) =>
      (document as unknown as OpenFont)._font.font.hasGlyphForCodePoint(character.codePointAt(0)!),
    width: (text) => Math.round(document.widthOfString(text)),
  };
}

export function fontTableSource(): string {
  const tables = faces.map((name) => {
    const ruler = rulerOf(name);
    const characters = repertoire.map((code) => String.fromCodePoint(code)).filter((c) => ruler.has(c));
    const widths = new Map(characters.map((character) => [character, ruler.width(character)]));
    const signs = kerned.map((code) => String.fromCodePoint(code)).filter((c) => widths.has(c));
    const kerning = new Map<string, number>();
    for (const first of signs)
      for (const second of signs) {
        const change = ruler.width(first + second) - widths.get(first)! - widths.get(second)!;
        if (change !== 0) kerning.set(first + second, change);
      }
    return `  '${name}': {\n    widths: [\n${grouped(widths)}    ],\n    kerning: [\n${grouped(kerning)}    ],\n  },\n`;
  });
  return `/** Advance widths and kerning of the bundled faces, in 1/${2048} em: written by test/unit/figure/font-table.test.ts. */
import type { FontName } from './fonts.ts';

export interface FontTable {
  /** Characters by their advance. */
  readonly widths: readonly (readonly [number, string])[];
  /** Pairs of characters, one after the other, by the change of their advance: kerning, and the ligatures of f. */
  readonly kerning: readonly (readonly [number, string])[];
}

// prettier-ignore
export const fontTables: Readonly<Record<FontName, FontTable>> = {
${tables.join('')}};
`;
}

function grouped(values: ReadonlyMap<string, number>): string {
  const groups = new Map<number, string>();
  for (const [text, value] of values) groups.set(value, (groups.get(value) ?? '') + text);
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([value, text]) => `      [${value}, ${JSON.stringify(text)}],\n`)
    .join('');
}
