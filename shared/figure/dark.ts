/** A drawing for dark paper: greys are turned around, lines that would vanish are made lighter, filled cells stay. */
import { lab, rgb } from 'd3';
import { contrast } from './color-vision.ts';
import type { SvgNode } from './tree.ts';

export const DARK_PAPER = '#14171c';

/** Lightness of CIE Lab for what was black; white becomes the paper. */
const LIGHTEST = 96;
/** Below this chroma a color is a grey or a tint of the paper. */
const GREY = 18;
/** Below this chroma an area is a grey of ours; above it, and darker than PALE, it is data. */
const NEUTRAL = 1;
const PALE = 85;
/** WCAG 2.1, success criterion 1.4.11: graphical objects. */
const LEAST_CONTRAST = 3;

export function onDarkPaper(node: SvgNode): SvgNode {
  const attributes = { ...node.attributes };
  for (const name of ['fill', 'stroke'] as const) {
    const color = attributes[name];
    if (typeof color === 'string' && color.startsWith('#'))
      attributes[name] = turned(color, node.tag === 'rect');
  }
  const children = node.children.map((child) => (typeof child === 'string' ? child : onDarkPaper(child)));
  return { ...node, attributes, children };
}

function turned(color: string, area: boolean): string {
  const { l, a, b } = lab(color);
  const chroma = Math.hypot(a, b);
  // The middle of cividis is nearly grey, but its cells are data.
  if (chroma < GREY && !(area && chroma > NEUTRAL && l < PALE)) {
    const paper = lab(DARK_PAPER);
    const share = l / 100;
    return rgb(
      lab(LIGHTEST + share * (paper.l - LIGHTEST), a + share * paper.a, b + share * paper.b),
    ).formatHex();
  }
  if (area) return rgb(color).formatHex();
  let lightness = l;
  while (lightness < LIGHTEST && contrast(rgb(lab(lightness, a, b)).formatHex(), DARK_PAPER) < LEAST_CONTRAST)
    lightness++;
  return rgb(lab(lightness, a, b)).formatHex();
}
