/** Where the elements of a drawing stand, for checks. */
import type { Face } from '#shared/figure/fonts.ts';
import { ASCENT, DESCENT } from '#shared/figure/label.ts';
import { textWidth } from '#shared/figure/text-width.ts';
import type { SvgNode } from '#shared/figure/tree.ts';

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
  const [up, down] = [ASCENT * size, DESCENT * size];
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

export function boundsOf(root: SvgNode): Bounds[] {
  return elementsOf(root).flatMap((node) => {
    switch (node.tag) {
      case 'text':
        return [textBounds(node)];
      case 'path':
        return [pathBounds(node)];
      case 'circle':
      case 'rect':
        return [shapeBounds(node)];
      default:
        return [];
    }
  });
}
