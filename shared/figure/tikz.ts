/**
 * A drawing as LaTeX source, its texts set by the document that includes it. Panels whose elements say what they show
 * become axes of PGFPlots that read a table of values; everything else is TikZ, the same lines at the same places.
 */
import { textOf } from './geometry.ts';
import { toLatex } from './latex.ts';
import { PlotWriter, type Plotted } from './pgfplots.ts';
import { formatNumber, type SvgNode } from './tree.ts';

export interface TikzOptions {
  /** Points on the page of one unit of the drawing. */
  readonly scale: number;
  /** First lines, as comments. */
  readonly comments: readonly string[];
  /** Name of the file for the table that the source reads. */
  readonly tableFile: string;
}

export interface LatexSource {
  readonly source: string;
  /** The table as CSV; null where the drawing has no axes and needs TikZ only. */
  readonly table: string | null;
}

/** Throws TypeError for an element or path that has no TikZ form here. */
export function toTikz(tree: SvgNode, { scale, comments, tableFile }: TikzOptions): LatexSource {
  const [, , width, height] = String(tree.attributes.viewBox).split(' ').map(Number);
  const colors = new Map<string, string>();
  const writer = new PlotWriter({ scale, tableFile, colorName, paint: paintOptions });
  let pending: Plotted[] = [];
  let hasAxes = false;
  const body = drawings(tree, { dx: 0, dy: 0 });
  const source = [
    ...comments.map((comment) => `% ${comment.replaceAll(/\s+/g, ' ')}`),
    hasAxes ? '% \\usepackage{pgfplots}\\pgfplotsset{compat=1.16}' : '% \\usepackage{tikz}',
    // A line's end would be a space before the picture.
    '\\begingroup%',
    ...[...colors].map(([color, name]) => `\\definecolor{${name}}{HTML}{${color.slice(1).toUpperCase()}}%`),
    ...(writer.isUsed ? writer.preamble() : []),
    `\\begin{tikzpicture}[x=${formatNumber(scale)}bp,y=-${formatNumber(scale)}bp,line join=round]`,
    `\\path[use as bounding box] (0,0) rectangle (${formatNumber(width)},${formatNumber(height)});`,
    ...body,
    '\\end{tikzpicture}%',
    '\\endgroup',
    '',
  ].join('\n');
  return { source, table: writer.isUsed ? writer.data : null };

  function drawings(node: SvgNode, at: { dx: number; dy: number }): string[] {
    const { attributes: a, plot } = node;
    const number = (name: string) => Number(a[name]);
    if (plot?.kind === 'axes') {
      const box = {
        x: number('x') + at.dx,
        y: number('y') + at.dy,
        width: number('width'),
        height: number('height'),
      };
      const contents = pending;
      [pending, hasAxes] = [[], true];
      return writer.axis(plot, node, box, contents);
    }
    if (plot !== undefined) {
      if (plot.kind !== 'part') pending.push({ node, plot });
      return [];
    }
    const point = (x: number, y: number) => `(${formatNumber(x + at.dx)},${formatNumber(y + at.dy)})`;
    switch (node.tag) {
      case 'svg':
        return inside(node, at);
      case 'g': {
        const moved = /^translate\((\S+) (\S+)\)$/.exec(String(a.transform ?? 'translate(0 0)'));
        if (moved === null) throw new TypeError(`TikZ: transform ${a.transform}`);
        return inside(node, { dx: at.dx + Number(moved[1]), dy: at.dy + Number(moved[2]) });
      }
      case 'title':
        return [];
      case 'rect': {
        const [x, y] = [number('x'), number('y')];
        return [
          `\\path${paint(node)} ${point(x, y)} rectangle ${point(x + number('width'), y + number('height'))};`,
        ];
      }
      case 'circle':
        return [
          `\\path${paint(node)} ${point(number('cx'), number('cy'))} circle[radius=${formatNumber(scale * number('r'))}bp];`,
        ];
      case 'path': {
        const d = String(a.d);
        if (d === '') return [];
        if (!/^([ML]-?[\d.]+ -?[\d.]+|h-?[\d.]+|Z)+$/.test(d))
          throw new TypeError(`TikZ: path ${d.slice(0, 40)}`);
        const moves = [...d.matchAll(/([MLhZ])([\d.-]*) ?([\d.-]*)/g)].map(([, move, x, y]) => {
          if (move === 'Z') return ' -- cycle';
          if (move === 'h') return ` -- ++(${x},0)`;
          return `${move === 'M' ? ' ' : ' -- '}${point(Number(x), Number(y))}`;
        });
        return [`\\path${paint(node)}${moves.join('')};`];
      }
      case 'text':
        return textOf(node) === '' ? [] : [text(node, point)];
      default:
        throw new TypeError(`TikZ: element ${node.tag}`);
    }
  }

  function inside(node: SvgNode, at: { dx: number; dy: number }): string[] {
    return node.children.flatMap((child) => (typeof child === 'string' ? [] : drawings(child, at)));
  }

  function colorName(color: string): string {
    const known = colors.get(color);
    if (known !== undefined) return known;
    const name = `figure${colors.size + 1}`;
    colors.set(color, name);
    return name;
  }

  function paint(node: SvgNode): string {
    return `[${paintOptions(node).join(',')}]`;
  }

  function paintOptions({ attributes: a }: SvgNode): string[] {
    const options: string[] = [];
    const isColor = (value: unknown): value is string => typeof value === 'string' && value !== 'none';
    // SVG fills what says nothing.
    const fill = a.fill ?? '#000000';
    if (isColor(fill)) options.push(`fill=${colorName(fill)}`);
    if (a['fill-opacity'] !== undefined) options.push(`fill opacity=${a['fill-opacity']}`);
    if (isColor(a.stroke)) {
      options.push(`draw=${colorName(a.stroke)}`);
      options.push(`line width=${formatNumber(scale * Number(a['stroke-width'] ?? 1))}bp`);
      if (a['stroke-linejoin'] === undefined) options.push('line join=miter');
      if (a['stroke-linecap'] === 'round') options.push('line cap=round');
    }
    if (a['stroke-opacity'] !== undefined) options.push(`draw opacity=${a['stroke-opacity']}`);
    if (a['stroke-dasharray'] !== undefined) options.push(`dash pattern=${dashes(a['stroke-dasharray'])}`);
    return options;
  }

  function dashes(pattern: string | number): string {
    const lengths = String(pattern)
      .split(/[ ,]+/)
      .map((length) => `${formatNumber(scale * Number(length))}bp`);
    return lengths.map((length, i) => `${i % 2 === 0 ? 'on' : 'off'} ${length}`).join(' ');
  }

  function text(node: SvgNode, point: (x: number, y: number) => string): string {
    const { attributes: a } = node;
    const size = scale * Number(a['font-size']);
    const anchor = { middle: 'base', end: 'base east' }[String(a['text-anchor'])] ?? 'base west';
    const options = [
      `anchor=${anchor}`,
      'inner sep=0pt',
      ...(a.fill === '#000000' ? [] : [`text=${colorName(String(a.fill))}`]),
      ...(a.transform === undefined ? [] : ['rotate=90']),
    ];
    const bold = a['font-weight'] === 'bold' ? '\\bfseries ' : '';
    const font = `\\fontsize{${formatNumber(size)}bp}{${formatNumber(1.2 * size)}bp}\\selectfont `;
    let down = 0;
    const content = node.children.map((child) => {
      if (typeof child === 'string') return toLatex(child);
      const inner = child.children.filter((part) => typeof part === 'string').join('');
      const latex = toLatex(inner, { italic: child.attributes['font-style'] === 'italic' });
      down += Number(child.attributes.dy ?? 0);
      // Back on the line up to rounding.
      if (Math.abs(down) < 0.01 * size) return latex;
      return `\\text${down < 0 ? 'super' : 'sub'}script{${latex}}`;
    });
    return `\\node[${options.join(',')}] at ${point(Number(a.x), Number(a.y))} {${font}${bold}${content.join('')}};`;
  }
}
