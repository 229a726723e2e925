/** What stands beside the panels: a list of samples, or a color bar. */
import { ASCENT, DESCENT, drawText, labelWidth, type Label } from './label.ts';
import { xRoom, yRoom, type Box } from './panel.ts';
import type { Axis } from './scales.ts';
import type { Style } from './style.ts';
import { fitText, textWidth } from './text-width.ts';
import { element, pathData, type SvgNode } from './tree.ts';

export interface SideBlock {
  readonly width: number;
  /** Least height. */
  readonly height: number;
  /** `height` may be larger than the least. */
  draw(x: number, y: number, height: number): SvgNode[];
}

export interface LegendEntry {
  readonly label: Label;
  /** Draws the sample around (x, y), SAMPLE_WIDTH wide. */
  readonly sample: (x: number, y: number) => SvgNode[];
}

export const SAMPLE_WIDTH = 15;
const SAMPLE_GAP = 4;
const LINE_HEIGHT = 1.28;

/** Frameless, in the order of the entries. */
export function legend(title: string, entries: readonly LegendEntry[], style: Style): SideBlock {
  const line = LINE_HEIGHT * style.textSize;
  const widths = entries.map(
    ({ label }) => SAMPLE_WIDTH + SAMPLE_GAP + labelWidth(label, style.textSize, style.face),
  );
  return {
    width: Math.max(textWidth(title, style.textSize, style), ...widths),
    height: (entries.length + 1) * line,
    draw(x, y) {
      const text = { size: style.textSize, color: style.ink } as const;
      return [
        drawText(title, x, y + ASCENT * style.textSize, text),
        ...entries.flatMap(({ label, sample }, i) => {
          const middle = y + (i + 1.55) * line;
          return [
            ...sample(x + SAMPLE_WIDTH / 2, middle),
            drawText(label, x + SAMPLE_WIDTH + SAMPLE_GAP, middle, { ...text, vertical: 'middle' }),
          ];
        }),
      ];
    },
  };
}

const BAR_WIDTH = 7;
const LABEL_GAP = 3;
const COLOR_STEPS = 64;
const SHORTEST_BAR = 60;

/** A vertical bar of the colors along an axis, with its ticks and title at the right. */
export function colorBar(
  title: string,
  axis: Axis,
  color: (place: number) => string,
  style: Style,
): SideBlock {
  const widest = Math.max(
    0,
    ...axis
      .ticks(yRoom(2_000, style))
      .map(({ label }) => (label === null ? 0 : labelWidth(label, style.textSize, style.face))),
  );
  const titleOffset = BAR_WIDTH + LABEL_GAP + widest + 4;
  return {
    width: titleOffset + (ASCENT + DESCENT) * style.textSize,
    height: SHORTEST_BAR,
    draw(x, y, height) {
      const nodes: SvgNode[] = [];
      const line = { stroke: style.ink, 'stroke-width': style.axisWidth, fill: 'none' };
      // Each step reaches to the bar's end and is covered by the next: no hairlines between them.
      for (let i = 0; i < COLOR_STEPS; i++) {
        const top = (i / COLOR_STEPS) * height;
        const fill = color(1 - (i + 0.5) / COLOR_STEPS);
        nodes.push(element('rect', { x, y: y + top, width: BAR_WIDTH, height: height - top, fill }));
      }
      const ticks: string[] = [];
      for (const { place, label, major } of axis.ticks(yRoom(height, style))) {
        const at = y + (1 - place) * height;
        ticks.push(
          pathData([
            [x + BAR_WIDTH, at],
            [x + BAR_WIDTH - (major ? 2.4 : 1.3), at],
          ]),
        );
        if (label !== null)
          nodes.push(
            drawText(label, x + BAR_WIDTH + LABEL_GAP, at, {
              size: style.textSize,
              color: style.ink,
              vertical: 'middle',
            }),
          );
      }
      nodes.push(
        element('rect', { x, y, width: BAR_WIDTH, height, ...line }),
        ...(ticks.length === 0 ? [] : [element('path', { d: ticks.join(''), ...line })]),
        drawText(
          fitText(title, style.textSize, height, style),
          x + titleOffset + (ASCENT * style.textSize) / 2,
          y + height / 2,
          {
            size: style.textSize,
            color: style.ink,
            anchor: 'middle',
            vertical: 'middle',
            upward: true,
          },
        ),
      );
      return nodes;
    },
  };
}

const BAR_HEIGHT = 4;
const BAR_GAP = 5;
/** Share of the box that the title may take. */
const TITLE_SHARE = 0.48;

/** The same lying between a panel and its header, the title at its left and the labels above it. */
export function colorBarAbove(
  title: string,
  axis: Axis,
  color: (place: number) => string,
  style: Style,
): { readonly height: number; draw(box: Box): SvgNode[] } {
  const line = (ASCENT + DESCENT) * style.textSize;
  return {
    height: line + 1 + BAR_HEIGHT + BAR_GAP,
    draw(box) {
      const text = fitText(title, style.textSize, TITLE_SHARE * box.width, style);
      const left = box.x + textWidth(text, style.textSize, style) + 6;
      const widest = Math.max(
        0,
        ...axis
          .ticks(xRoom(box.width, style))
          .map(({ label }) => (label === null ? 0 : labelWidth(label, style.textSize, style.face))),
      );
      // Labels at the ends stick out by half of their width.
      const start = left + widest / 2;
      const width = Math.max(1, box.x + box.width - widest / 2 - start);
      const y = box.y - BAR_GAP - BAR_HEIGHT;
      const nodes: SvgNode[] = [
        drawText(text, box.x, y + BAR_HEIGHT / 2, {
          size: style.textSize,
          color: style.ink,
          vertical: 'middle',
        }),
      ];
      for (let i = 0; i < COLOR_STEPS; i++) {
        const from = (i / COLOR_STEPS) * width;
        const fill = color((i + 0.5) / COLOR_STEPS);
        nodes.push(element('rect', { x: start + from, y, width: width - from, height: BAR_HEIGHT, fill }));
      }
      const ticks: string[] = [];
      for (const { place, label, major } of axis.ticks(xRoom(width, style))) {
        const x = start + place * width;
        ticks.push(
          pathData([
            [x, y],
            [x, y - (major ? 1.6 : 0.8)],
          ]),
        );
        if (label !== null)
          nodes.push(
            drawText(label, x, y - 2.2 - DESCENT * style.textSize, {
              size: style.textSize,
              color: style.ink,
              anchor: 'middle',
            }),
          );
      }
      const stroke = { stroke: style.ink, 'stroke-width': style.axisWidth, fill: 'none' };
      nodes.push(
        element('rect', { x: start, y, width, height: BAR_HEIGHT, ...stroke }),
        element('path', { d: ticks.join(''), ...stroke }),
      );
      return nodes;
    },
  };
}
