/** The files of the bundled faces (DejaVu 2.37, a free licence: see the package's LICENSE). */
import { fileURLToPath } from 'node:url';
import { faces, type FontName } from '#shared/figure/fonts.ts';

const folder = new URL('ttf/', import.meta.resolve('dejavu-fonts-ttf/package.json'));

export function fontFile(name: FontName): string {
  return fileURLToPath(new URL(`${name}.ttf`, folder));
}

export const fontFiles: readonly string[] = faces.map(fontFile);
