/** SVG whose texts are outlines: for printers and programs that must not need the font. */
import { Resvg } from '@resvg/resvg-js';
import { fontOptions } from './png.ts';

/** `svg` as `serialise` writes it; its size and title stay as they are. */
export function outlined(svg: string): string {
  const attribute = (name: string) => new RegExp(` ${name}="[^"]*"`).exec(svg)?.[0] ?? '';
  const [title] = /<title>[^<]*<\/title>/.exec(svg) ?? [''];
  const opening = `<svg xmlns="http://www.w3.org/2000/svg"${attribute('width')}${attribute('height')}${attribute('viewBox')}>`;
  const drawn = new Resvg(svg, { font: fontOptions }).toString();
  const content = drawn.slice(drawn.indexOf('>') + 1).replace(/^\s*<defs\/>/, '');
  return `<?xml version="1.0" encoding="UTF-8"?>\n${opening}\n  ${title}${content}`;
}
