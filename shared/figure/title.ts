/** A title above a finished figure; everything else moves down. */
import type { Figure } from './figure.ts';
import { drawText } from './label.ts';
import { fontFamilies } from './fonts.ts';
import { PAGE_MARGIN } from './sheet.ts';
import type { Style } from './style.ts';
import { fitText } from './text-width.ts';
import { element, formatNumber, page, type SvgNode } from './tree.ts';

const SIZE = 1.15;
const LINE = 1.5;

export function withTitle(figure: Figure, title: string, style: Style): Figure {
  if (title.trim() === '') return figure;
  const { tree } = figure;
  const [, , width, height] = String(tree.attributes.viewBox).split(' ').map(Number);
  const size = SIZE * style.textSize;
  const down = LINE * size;
  const [name, ...content] = tree.children;
  const text = fitText(title, size, width - 2 * PAGE_MARGIN, { face: style.face, bold: true });
  const moved = page(width, height + down, '', [
    element('rect', { x: 0, y: 0, width, height: height + down, fill: style.paper }),
    element('g', { 'font-family': fontFamilies[style.face] }, [
      drawText(text, width / 2, PAGE_MARGIN + size, {
        size,
        color: style.ink,
        anchor: 'middle',
        bold: true,
      }),
    ]),
    ...content.flatMap((node) => (typeof node === 'string' ? [] : [movedDown(node, down)])),
  ]);
  return { ...figure, tree: { ...moved, children: [name, ...moved.children.slice(1)] } };
}

/** In its coordinates, not by a transform: whatever reads the drawing need not know about those. */
function movedDown(node: SvgNode, by: number): SvgNode {
  const attributes = { ...node.attributes };
  for (const name of ['y', 'cy'] as const) {
    const value = attributes[name];
    if (typeof value === 'number') attributes[name] = value + by;
  }
  const { d, transform } = attributes;
  const move = (text: string) => formatNumber(Number(text) + by);
  if (typeof d === 'string')
    attributes.d = d.replaceAll(
      /([ML])(-?[\d.]+) (-?[\d.]+)/g,
      (_, letter: string, x: string, y: string) => `${letter}${x} ${move(y)}`,
    );
  if (typeof transform === 'string')
    attributes.transform = transform.replace(
      /^rotate\((\S+) (\S+) (\S+)\)$/,
      (_, angle: string, x: string, y: string) => `rotate(${angle} ${x} ${move(y)})`,
    );
  const children = node.children.map((child) => (typeof child === 'string' ? child : movedDown(child, by)));
  return { ...node, attributes, children };
}
