/**
 * Panels as PGFPlots source: axes with \addplot over a table of the plotted values, at the places and in the looks that
 * the drawing has. Elements that do not say what they show are not here; shared/figure/tikz.ts draws them.
 */
import { toCsvRow } from './csv.ts';
import { labelToLatex } from './latex.ts';
import { markerOutline } from './markers.ts';
import { xRoom, yRoom, type Box } from './panel.ts';
import type { AxesPlot, IntervalPlot, Plot } from './plot.ts';
import type { Axis, Tick } from './scales.ts';
import { formatNumber, type SvgNode } from './tree.ts';

export interface Plotted {
  readonly node: SvgNode;
  readonly plot: Plot;
}

export interface PlotWriterOptions {
  /** Points on the page of one unit of the drawing. */
  readonly scale: number;
  readonly colorName: (color: string) => string;
  /** Name of the table's file, without signs of TeX. */
  readonly tableFile: string;
  /** Options of a path with the paint of a node, as TikZ writes them. */
  readonly paint: (node: SvgNode) => string[];
}

/** Of a plot: x, y, and for intervals the distances to their lower and upper end. */
type Row = readonly number[];

/** Beyond this many lengths of an axis TeX cannot place a point; the line to it leaves the panel the same way. */
const FARTHEST = 10;
const TABLE = '\\figuretable';
/** Options that every axis here has in common. */
const EVERY_AXIS = [
  'anchor=south west',
  'scale only axis',
  'axis on top',
  'clip mode=individual',
  'scaled ticks=false',
  'unbounded coords=jump',
  'xlabel near ticks',
  'ylabel near ticks',
] as const;

export class PlotWriter {
  readonly #options: PlotWriterOptions;
  /** One a column of the table. */
  readonly #columns: { readonly name: string; readonly values: readonly number[] }[] = [];
  readonly #marks = new Map<number, string>();
  #plots = 0;

  constructor(options: PlotWriterOptions) {
    this.#options = options;
  }

  get isUsed(): boolean {
    return this.#plots > 0;
  }

  /** The table that the source reads: the columns of each plot beside those of the others, filled up with nan. */
  get data(): string {
    const rows = Math.max(0, ...this.#columns.map(({ values }) => values.length));
    return [
      this.#columns.map(({ name }) => name),
      ...Array.from({ length: rows }, (_, row) =>
        this.#columns.map(({ values }) => number(values[row] ?? NaN)),
      ),
    ]
      .map(toCsvRow)
      .join('');
  }

  /** Before the picture. */
  preamble(): string[] {
    return [
      '\\providecommand\\figurefolder{}%',
      `\\pgfplotstableread[col sep=comma]{\\figurefolder ${this.#options.tableFile}}${TABLE}%`,
      ...[...this.#marks.values()].map((mark) => `${mark}%`),
    ];
  }

  /** One panel: its axes with everything that was plotted in it. `box` is in units of the drawing. */
  axis(axes: AxesPlot, frame: SvgNode, box: Box, contents: readonly Plotted[]): string[] {
    const { scale } = this.#options;
    const length = (value: number) => `${formatNumber(scale * value)}bp`;
    const bottom = box.y + box.height;
    const size = scale * axes.textSize;
    const font = `\\fontsize{${formatNumber(size)}bp}{${formatNumber(1.2 * size)}bp}\\selectfont`;
    const text = `font=${font},text=${this.#options.colorName(String(frame.attributes.stroke))}`;
    const options = [
      `at={(${length(box.x)},${length(-bottom)})}`,
      ...EVERY_AXIS,
      `width=${length(box.width)}`,
      `height=${length(box.height)}`,
      ...this.#axisOptions('x', axes.x, axes.x.ticks(xRoom(box.width, axes)), axes.xLabels),
      ...this.#axisOptions('y', axes.y, axes.y.ticks(yRoom(box.height, axes)), axes.yLabels),
      ...(axes.xTitle === null ? [] : [`xlabel={${labelToLatex(axes.xTitle)}}`]),
      ...(axes.yTitle === null ? [] : [`ylabel={${labelToLatex(axes.yTitle)}}`]),
      `label style={${text},inner sep=${length(1)}}`,
      `tick label style={${text},inner sep=${length(2)}}`,
      `axis line style={${this.#options.paint(frame).join(',')}}`,
      `every tick/.style={${this.#options.paint(frame).join(',')}}`,
      ...(axes.outward ? ['tick align=outside', 'tick pos=left'] : ['tick align=inside']),
    ];
    return [
      `\\begin{axis}[\n  ${options.join(',\n  ')}]`,
      ...joined(contents).flatMap((group) => this.#draw(group, axes, length)),
      '\\end{axis}',
    ];
  }

  #axisOptions(name: 'x' | 'y', axis: Axis, ticks: readonly Tick[], labelled: boolean): string[] {
    const major = ticks.filter((tick) => tick.major);
    const minor = ticks.filter((tick) => !tick.major);
    const list = (some: readonly Tick[]) =>
      some.length === 0 ? '\\empty' : `{${some.map(({ value }) => number(value)).join(',')}}`;
    const labels = major.map(({ label }) => (label === null ? '{}' : `{${labelToLatex(label)}}`));
    return [
      `${name}mode=${axis.scale === 'log' ? 'log' : 'normal'}`,
      `${name}min=${number(axis.domain[0])}`,
      `${name}max=${number(axis.domain[1])}`,
      ...(axis.descending ? [`${name} dir=reverse`] : []),
      `${name}tick=${list(major)}`,
      ...(minor.length === 0 ? [] : [`minor ${name}tick=${list(minor)}`]),
      labelled ? `${name}ticklabels={${labels.join(',')}}` : `${name}ticklabels=\\empty`,
    ];
  }

  #draw(group: readonly Plotted[], axes: AxesPlot, length: (value: number) => string): string[] {
    const [{ node, plot }] = group;
    const style = this.#options.paint(node);
    const plots = group.map((one) => one.plot);
    switch (plot.kind) {
      case 'line': {
        const rows = plots.flatMap((one, i) => {
          if (one.kind !== 'line') return [];
          const points = one.points.map(({ x, y }): Row => [x, within(axes.y, y ?? NaN)]);
          return i === 0 ? points : [GAP, ...points];
        });
        return [this.#addplot(['no marks', ...style, ...asideOf(plot.aside, length)], rows)];
      }
      case 'points': {
        const rows = plots.flatMap((one) =>
          one.kind === 'points' ? one.points.map(({ x, y }): Row => [x, y]) : [],
        );
        const options = [
          'only marks',
          `mark=${this.#mark(plot.shape, node)}`,
          `mark size=${length(plot.radius)}`,
          `mark options={${this.#markPaint(node).join(',')}}`,
          ...asideOf(plot.aside, length),
        ];
        return [this.#addplot(options, rows)];
      }
      case 'interval': {
        const vertical = plot.direction === 'vertical';
        const axis = vertical ? axes.y : axes.x;
        const rows = plots.flatMap((one) => (one.kind === 'interval' ? [intervalRow(one, axis)] : []));
        const side = vertical ? 'y' : 'x';
        const options = [
          'draw=none',
          'mark=none',
          ...asideOf(plot.aside, length),
          'error bars/.cd',
          `${side} dir=both`,
          `${side} explicit`,
          `error bar style={${style.join(',')}}`,
          `error mark options={${[...style, 'rotate=90', `mark size=${length(1.2)}`].join(',')}}`,
        ];
        return [this.#addplot(options, rows, side)];
      }
      case 'band': {
        const upper = plot.points.map(({ x, high }): Row => [x, within(axes.y, high)]);
        const lower = plot.points.map(({ x, low }): Row => [x, within(axes.y, low)]);
        const outline = [...upper, ...lower.reverse()];
        return [`${this.#addplot(['draw=none', ...style], outline).slice(0, -1)} -- cycle;`];
      }
      case 'vertical':
        return [
          `\\draw[${style.join(',')}] ({axis cs:${number(plot.x)},${number(axes.y.domain[0])}}|-{rel axis cs:0,0}) -- ({axis cs:${number(plot.x)},${number(axes.y.domain[0])}}|-{rel axis cs:0,1});`,
        ];
      case 'range': {
        const side = (value: number, end: number, otherwise: number) =>
          axes.x.place(value) === null || axes.x.place(value)! < 0 || axes.x.place(value)! > 1
            ? `rel axis cs:${otherwise},`
            : `axis cs:${number(value)},${end}`;
        const at = (value: number, across: number, up: number) => {
          const place = side(value, axes.y.domain[0], across);
          return place.startsWith('rel') ? `({${place}${up}})` : `({${place}}|-{rel axis cs:0,${up}})`;
        };
        return [`\\path[${style.join(',')}] ${at(plot.low, 0, 0)} rectangle ${at(plot.high, 1, 1)};`];
      }
      case 'axes':
      case 'part':
        return [];
    }
  }

  /** `bars`: along which axis the rows have distances. */
  #addplot(options: readonly string[], rows: readonly Row[], bars?: 'x' | 'y'): string {
    const plot = ++this.#plots;
    const names = ['x', 'y', ...(bars === undefined ? [] : ['minus', 'plus'])];
    for (const [i, name] of names.entries())
      this.#columns.push({ name: `${name}${plot}`, values: rows.map((row) => row[i]) });
    const distances =
      bars === undefined ? '' : `,${bars} error minus=minus${plot},${bars} error plus=plus${plot}`;
    return `\\addplot[${options.join(',')}] table[x=x${plot},y=y${plot}${distances}]{${TABLE}};`;
  }

  /** Name of a marker; a shape is declared when it is first used. */
  #mark(shape: number, node: SvgNode): string {
    const outline = markerOutline(shape, 0, 0, 1);
    if (outline === null) return node.attributes.fill === 'none' && !isDot(node) ? 'o' : '*';
    const name = `figure marker ${shape}`;
    if (!this.#marks.has(shape)) {
      const corners = [...outline.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map(
        ([, x, y], i) =>
          `\\pgfpath${i === 0 ? 'moveto' : 'lineto'}{\\pgfqpoint{${x}\\pgfplotmarksize}{${formatNumber(-Number(y))}\\pgfplotmarksize}}`,
      );
      this.#marks.set(
        shape,
        `\\pgfdeclareplotmark{${name}}{${corners.join('')}\\pgfpathclose\\pgfusepathqfillstroke}`,
      );
    }
    return name;
  }

  #markPaint(node: SvgNode): string[] {
    const { stroke } = node.attributes;
    if (!isDot(node)) return this.#options.paint(node);
    const color = this.#options.colorName(String(stroke));
    return [`fill=${color}`, `draw=${color}`, 'line width=0pt'];
  }
}

const GAP: Row = [NaN, NaN];

/** A line of no length with round ends. */
function isDot({ attributes }: SvgNode): boolean {
  return attributes['stroke-linecap'] === 'round';
}

function asideOf(aside: number, length: (value: number) => string): string[] {
  return aside === 0 ? [] : [`xshift=${length(aside)}`];
}

/** Ends beyond the axis are its ends; the point between them carries the bar. */
function intervalRow({ direction, low, high, across }: IntervalPlot, axis: Axis): Row {
  const [from, to] = [low, high].map((end) => Math.min(axis.domain[1], Math.max(axis.domain[0], end)));
  const middle = axis.scale === 'log' ? Math.sqrt(from) * Math.sqrt(to) : (from + to) / 2;
  const distances = [middle - from, to - middle];
  return direction === 'vertical' ? [across, middle, ...distances] : [middle, across, ...distances];
}

/** A value so far beyond the axis that TeX could not place it comes nearer; not a number where it has no place. */
function within(axis: Axis, value: number): number {
  const [low, high] = axis.domain;
  if (axis.place(value) === null) return NaN;
  if (axis.scale === 'log') {
    const factor = (high / low) ** FARTHEST;
    return Math.min(high * factor, Math.max(low / factor, value));
  }
  const far = FARTHEST * (high - low);
  return Math.min(high + far, Math.max(low - far, value));
}

/** As TeX reads it. */
function number(value: number): string {
  return Number.isNaN(value) ? 'nan' : String(value);
}

/** Neighbours of the same kind and look are one plot. */
function joined(contents: readonly Plotted[]): Plotted[][] {
  const groups: Plotted[][] = [];
  for (const one of contents) {
    const last = groups.at(-1);
    const look = lookOf(one);
    if (last !== undefined && look !== null && look === lookOf(last[0])) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

/** Null for what is never joined. */
function lookOf({ node, plot }: Plotted): string | null {
  const { fill, stroke } = node.attributes;
  const width = node.attributes['stroke-width'];
  const dash = node.attributes['stroke-dasharray'];
  const paint = [plot.kind, fill, stroke, width, dash, node.attributes['stroke-opacity']].join(' ');
  switch (plot.kind) {
    case 'line':
      return `${paint} ${plot.aside}`;
    case 'points':
      return `${paint} ${plot.shape} ${plot.radius} ${plot.aside}`;
    case 'interval':
      return `${paint} ${plot.direction} ${plot.aside}`;
    default:
      return null;
  }
}
