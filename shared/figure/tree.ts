/**
 * A drawing as plain data, and its text as a standalone SVG file. Only presentation attributes are used (no style
 * sheets, classes or ids), since PDF writers ignore the rest.
 */
import type { Plot } from './plot.ts';

export interface SvgNode {
  readonly tag: string;
  /** Attributes in the order in which they are written; undefined ones are left out. */
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly children: readonly (SvgNode | string)[];
  /** What it shows, as numbers; not part of the SVG file. */
  readonly plot?: Plot;
}

/** Points (1/72 inch) in a millimetre. */
export const POINTS_PER_MILLIMETRE = 72 / 25.4;

export function element(
  tag: string,
  attributes: SvgNode['attributes'] = {},
  children: SvgNode['children'] = [],
): SvgNode {
  return { tag, attributes, children };
}

/** The element with what it shows; more elements of the same thing are parts of the first. */
export function plotted(nodes: readonly SvgNode[], plot: Plot): SvgNode[] {
  return nodes.map((node, i) => ({ ...node, plot: i === 0 ? plot : { kind: 'part' } }));
}

/** A page of `width` × `height` points: the size in millimetres, the coordinates in points. */
export function page(width: number, height: number, title: string, children: readonly SvgNode[]): SvgNode {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width: `${formatNumber(width / POINTS_PER_MILLIMETRE)}mm`,
      height: `${formatNumber(height / POINTS_PER_MILLIMETRE)}mm`,
      viewBox: `0 0 ${formatNumber(width)} ${formatNumber(height)}`,
    },
    [element('title', {}, [title]), ...children],
  );
}

/** The page's title; '' when it has none. */
export function titleOf(root: SvgNode): string {
  const [title] = root.children.filter((child) => typeof child !== 'string' && child.tag === 'title');
  return typeof title === 'object'
    ? title.children.filter((child) => typeof child === 'string').join('')
    : '';
}

/** At most three decimals (0.001 pt is far below what any printer resolves), no exponent, never -0. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`A drawing cannot have the coordinate ${value}.`);
  const text = value.toFixed(3).replace(/\.?0+$/, '');
  return text === '-0' ? '0' : text;
}

/** SVG path data through the points. */
export function pathData(points: readonly (readonly [number, number])[], closed = false): string {
  const moves = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${formatNumber(x)} ${formatNumber(y)}`);
  return moves.join('') + (closed ? 'Z' : '');
}

/** XML text, one element a line, the same for the same tree. */
export function serialise(root: SvgNode): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${lines(root, '').join('\n')}\n`;
}

function lines(node: SvgNode, indent: string): string[] {
  // Inside text, line ends would be drawn as spaces.
  const inline = node.children.some((child) => typeof child === 'string') || node.tag === 'text';
  if (node.children.length === 0 || inline) return [indent + inlined(node)];
  return [
    `${indent}<${opening(node)}>`,
    ...node.children.flatMap((child) => lines(child as SvgNode, `${indent}  `)),
    `${indent}</${node.tag}>`,
  ];
}

function inlined(node: SvgNode): string {
  if (node.children.length === 0) return `<${opening(node)}/>`;
  const content = node.children.map((child) => (typeof child === 'string' ? escaped(child) : inlined(child)));
  return `<${opening(node)}>${content.join('')}</${node.tag}>`;
}

function opening({ tag, attributes }: SvgNode): string {
  const written = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [` ${name}="${typeof value === 'number' ? formatNumber(value) : escaped(value)}"`],
  );
  return tag + written.join('');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return (
    text
      .toWellFormed()
      // XML 1.0 has no way to write these characters at all.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replace(/[&<>"]/g, (character) => entities[character])
  );
}
