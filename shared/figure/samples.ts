/** Samples of lines, markers and areas for a legend. */
import { SAMPLE_WIDTH, type LegendEntry } from './legend.ts';
import type { Label } from './label.ts';
import { drawMarker } from './markers.ts';
import type { Stroke } from './curves.ts';
import type { Style } from './style.ts';
import { element, pathData } from './tree.ts';

export function lineEntry(label: Label, { color, width, dash }: Stroke): LegendEntry {
  return {
    label,
    sample: (x, y) => [
      element('path', {
        d: pathData([
          [x - SAMPLE_WIDTH / 2, y],
          [x + SAMPLE_WIDTH / 2, y],
        ]),
        fill: 'none',
        stroke: color,
        'stroke-width': width,
        'stroke-dasharray': dash,
      }),
    ],
  };
}

export function areaEntry(label: Label, fill: string): LegendEntry {
  return {
    label,
    sample: (x, y) => [
      element('rect', { x: x - SAMPLE_WIDTH / 2, y: y - 2.6, width: SAMPLE_WIDTH, height: 5.2, fill }),
    ],
  };
}

/** A line with its marker on it. */
export function markedLineEntry(
  label: Label,
  stroke: Stroke,
  shape: number,
  { markerRadius: radius, paper }: Style,
  outline?: string,
): LegendEntry {
  return {
    label,
    sample: (x, y) => [
      ...lineEntry(label, stroke).sample(x, y),
      drawMarker(shape, x, y, { radius, color: stroke.color, paper, outline }),
    ],
  };
}

/** A marker with a short vertical interval through it. */
export function markerEntry(
  label: Label,
  shape: number,
  color: string,
  style: Style,
  { interval = true, radius = style.markerRadius } = {},
): LegendEntry {
  return {
    label,
    sample: (x, y) => [
      ...(interval
        ? [
            element('path', {
              d: pathData([
                [x, y - 4],
                [x, y + 4],
              ]),
              stroke: color,
              'stroke-width': style.thinLineWidth,
              fill: 'none',
            }),
          ]
        : []),
      drawMarker(shape, x, y, { radius, color, paper: style.paper }),
    ],
  };
}
