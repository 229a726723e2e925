/**
 * The faces that figures are set in. Both are bundled, so that a text is as wide on paper as it was when it was placed.
 */
export const faces = [
  'DejaVuSans',
  'DejaVuSans-Bold',
  'DejaVuSans-Oblique',
  'DejaVuSerif',
  'DejaVuSerif-Bold',
  'DejaVuSerif-Italic',
] as const;
export type FontName = (typeof faces)[number];

export type Face = 'sans' | 'serif';

export interface Font {
  readonly face: Face;
  readonly bold?: boolean;
  readonly italic?: boolean;
}

/** The bundled face first; then faces of about its width, for viewers that do not have it. */
export const fontFamilies: Readonly<Record<Face, string>> = {
  sans: 'DejaVu Sans, Verdana, Bitstream Vera Sans, sans-serif',
  serif: 'DejaVu Serif, Bitstream Vera Serif, Georgia, serif',
};

/** Bold wins over italic: nothing in a figure is both. */
export function fontName({ face, bold = false, italic = false }: Font): FontName {
  if (face === 'sans') return bold ? 'DejaVuSans-Bold' : italic ? 'DejaVuSans-Oblique' : 'DejaVuSans';
  return bold ? 'DejaVuSerif-Bold' : italic ? 'DejaVuSerif-Italic' : 'DejaVuSerif';
}
