/** Where the elements of a drawing stand: to check that texts keep apart and nothing leaves the page. */
import type { Face } from './fonts.ts';
import { ASCENT, DESCENT } from './label.ts';
import { textWidth } from './text-width.ts';
import type { SvgNode } from './tree.ts';

export interface Bounds {
  readonly what: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export function elementsOf(root: SvgNode): SvgNode[] {
  return [root, ...root.children.flatMap((child) => (typeof child === 'string' ? [] : elementsOf(child)))];
}

export function textOf(node: SvgNode): string {
  return node.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');
}

/** Digits and the signs of numbers do not go below the line. */
const ON_THE_LINE = /^[\d.×−+ ]*$/;

/** Box of a text from its font's metrics. */
export function textBounds(node: SvgNode, face: Face = 'sans'): Bounds {
  const { attributes } = node;
  const size = Number(attributes['font-size']);
  const bold = attributes['font-weight'] === 'bold';
  const width = node.children.reduce<number>((sum, child) => {
    if (typeof child === 'string') return sum + textWidth(child, size, { face, bold });
    const italic = child.attributes['font-style'] === 'italic';
    return sum + textWidth(textOf(child), Number(child.attributes['font-size']), { face, bold, italic });
  }, 0);
  const start = { middle: -width / 2, end: -width }[String(attributes['text-anchor'])] ?? 0;
  const [x, y] = [Number(attributes.x), Number(attributes.y)];
  const what = `text "${textOf(node)}"`;
  const [up, down] = [ASCENT * size, ON_THE_LINE.test(textOf(node)) ? 0 : DESCENT * size];
  if (attributes.transform === undefined)
    return { what, left: x + start, right: x + start + width, top: y - up, bottom: y + down };
  // Turned by a quarter: what was to the right is above.
  return { what, left: x - up, right: x + down, top: y - start - width, bottom: y - start };
}

function pathBounds(node: SvgNode): Bounds {
  const half = Number(node.attributes['stroke-width'] ?? 0) / 2;
  const numbers = [...String(node.attributes.d).matchAll(/([ML])(-?[\d.]+) (-?[\d.]+)/g)];
  const xs = numbers.map((match) => Number(match[2]));
  const ys = numbers.map((match) => Number(match[3]));
  return {
    what: `path ${String(node.attributes.d).slice(0, 40)}`,
    left: Math.min(...xs) - half,
    right: Math.max(...xs) + half,
    top: Math.min(...ys) - half,
    bottom: Math.max(...ys) + half,
  };
}

function shapeBounds({ tag, attributes }: SvgNode): Bounds {
  const at = (name: string) => Number(attributes[name]);
  if (tag === 'circle')
    return {
      what: 'circle',
      left: at('cx') - at('r'),
      right: at('cx') + at('r'),
      top: at('cy') - at('r'),
      bottom: at('cy') + at('r'),
    };
  return {
    what: 'rect',
    left: at('x'),
    right: at('x') + at('width'),
    top: at('y'),
    bottom: at('y') + at('height'),
  };
}

export function boundsOf(root: SvgNode, face: Face = 'sans'): Bounds[] {
  return elementsOf(root).flatMap((node) => {
    switch (node.tag) {
      case 'text':
        return [textBounds(node, face)];
      case 'path':
        // An axis without ticks has a path without a point.
        return node.attributes.d === '' ? [] : [pathBounds(node)];
      case 'circle':
      case 'rect':
        return [shapeBounds(node)];
      default:
        return [];
    }
  });
}

/** Rounding of coordinates, in the drawing's unit. */
const TOLERANCE = 0.05;

/** Pairs of texts that stand over each other, in words. */
export function overlappingTexts(root: SvgNode, face: Face = 'sans'): string[] {
  const boxes = elementsOf(root)
    .filter((node) => node.tag === 'text')
    .map((node) => textBounds(node, face));
  return boxes.flatMap((a, i) =>
    boxes
      .slice(i + 1)
      .filter(
        (b) =>
          a.left < b.right - TOLERANCE &&
          b.left < a.right - TOLERANCE &&
          a.top < b.bottom - TOLERANCE &&
          b.top < a.bottom - TOLERANCE,
      )
      .map((b) => `${a.what} and ${b.what}`),
  );
}

/** What leaves the page of the drawing, or has no size to be drawn with. */
export function outsidePage(root: SvgNode, face: Face = 'sans'): Bounds[] {
  const [, , width, height] = String(root.attributes.viewBox).split(' ').map(Number);
  return boundsOf(root, face).filter(
    ({ left, top, right, bottom }) =>
      // NaN is outside as well.
      !(
        left >= -TOLERANCE &&
        top >= -TOLERANCE &&
        right <= width + TOLERANCE &&
        bottom <= height + TOLERANCE &&
        right >= left &&
        bottom >= top
      ),
  );
}
