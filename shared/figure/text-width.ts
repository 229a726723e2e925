/** Width of text by the metrics of the bundled fonts, kerning included. */
import { fontTables } from './font-table.ts';
import { faces, fontName, type Font, type FontName } from './fonts.ts';

interface Metrics {
  readonly widths: ReadonlyMap<string, number>;
  readonly kerning: ReadonlyMap<string, number>;
}

const UNITS_PER_EM = 2048;
/** A character that the font does not have is drawn from some other font. */
const UNKNOWN = 1400;
/** From here on East Asian scripts and pictures, as wide as they are high. */
const FIRST_WIDE = 0x2e80;

function metricsOf(name: FontName): Metrics {
  const { widths, kerning } = fontTables[name];
  return {
    widths: new Map(widths.flatMap(([width, text]) => [...text].map((character) => [character, width]))),
    kerning: new Map(
      kerning.flatMap(([change, text]) => (text.match(/../gsu) ?? []).map((pair) => [pair, change])),
    ),
  };
}

const metrics = Object.fromEntries(faces.map((name) => [name, metricsOf(name)])) as Record<FontName, Metrics>;

/** In the unit of `size`. */
export function textWidth(text: string, size: number, font: Font): number {
  const { widths, kerning } = metrics[fontName(font)];
  let sum = 0;
  let before = '';
  for (const character of text) {
    sum += widths.get(character) ?? unknownWidth(character);
    sum += kerning.get(before + character) ?? 0;
    before = character;
  }
  return (sum * size) / UNITS_PER_EM;
}

function unknownWidth(character: string): number {
  // What joins the character before it (accents, selectors) takes no room of its own.
  if (/\p{Mark}|\p{Default_Ignorable_Code_Point}/u.test(character)) return 0;
  return character.codePointAt(0)! < FIRST_WIDE ? UNKNOWN : UNITS_PER_EM;
}

/** The text, or as much of it as fits followed by an ellipsis. */
export function fitText(text: string, size: number, width: number, font: Font): string {
  if (textWidth(text, size, font) <= width) return text;
  const characters = [...text];
  while (characters.length > 0 && textWidth(`${characters.join('')}…`, size, font) > width) characters.pop();
  return characters.length === 0 ? '' : `${characters.join('').trimEnd()}…`;
}
