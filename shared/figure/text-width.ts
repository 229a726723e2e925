/** Width of text in a face with the metrics of Helvetica and Arial. */

/** Advance widths in 1/1000 em of the printable ASCII characters, from the space on. */
const ascii = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
  556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
  500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
  556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
  278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

const others: Readonly<Record<string, number>> = {
  '°': 400, '±': 549, '²': 333, '³': 333, '¹': 333, µ: 576, '·': 278, '×': 584, '÷': 549,
  α: 578, β: 575, γ: 500, δ: 557, ε: 446, η: 556, θ: 556, λ: 500, μ: 576, σ: 617, φ: 648, Δ: 668, Σ: 618, Ω: 748,
  '∞': 713, '−': 584, '–': 556, '—': 1000, '‘': 222, '’': 222, '“': 333, '”': 333, '…': 1000,
  '≤': 549, '≥': 549, '≈': 549, '√': 549, '→': 1000, '←': 1000,
  '⁰': 333, '⁴': 333, '⁵': 333, '⁶': 333, '⁷': 333, '⁸': 333, '⁹': 333, '⁻': 350,
}; // prettier-ignore

/** Latin letters with accents and the like; rather too wide than too narrow. */
const UNKNOWN = 667;
/** From here on East Asian scripts and pictures, as wide as they are high. */
const FIRST_WIDE = 0x2e80;
/** Bold letters are wider by up to this factor. */
const BOLD = 1.1;

/** In the unit of `size`. */
export function textWidth(text: string, size: number, bold = false): number {
  let sum = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    sum += ascii[code - 0x20] ?? others[character] ?? (code < FIRST_WIDE ? UNKNOWN : 1000);
  }
  return ((bold ? BOLD : 1) * sum * size) / 1000;
}

/** The text, or as much of it as fits followed by an ellipsis. */
export function fitText(text: string, size: number, width: number, bold = false): string {
  if (textWidth(text, size, bold) <= width) return text;
  const characters = [...text];
  while (characters.length > 0 && textWidth(`${characters.join('')}…`, size, bold) > width) characters.pop();
  return characters.length === 0 ? '' : `${characters.join('').trimEnd()}…`;
}
