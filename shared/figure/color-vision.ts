/** Whether colors can be told apart: by color-blind readers, printed in grey, and from the paper. */
import { lab, rgb } from 'd3';

export const visions = ['normal', 'protanopia', 'deuteranopia', 'tritanopia', 'grey'] as const;
export type Vision = (typeof visions)[number];

type Matrix = readonly (readonly [number, number, number])[];

/** Machado, Oliveira and Fernandes, IEEE TVCG 15 (2009), table of severity 1.0; on linear RGB. */
const simulations: Readonly<Record<Exclude<Vision, 'normal' | 'grey'>, Matrix>> = {
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

type Triple = readonly [number, number, number];

/** IEC 61966-2-1, from 0–255 to linear light in 0–1. */
function linear(color: string): Triple {
  const { r, g, b } = rgb(color);
  const one = (value: number) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return [one(r), one(g), one(b)];
}

function encoded(light: Triple): string {
  const one = (value: number) => {
    const share = Math.min(1, Math.max(0, value));
    return 255 * (share <= 0.0031308 ? 12.92 * share : 1.055 * share ** (1 / 2.4) - 0.055);
  };
  return rgb(one(light[0]), one(light[1]), one(light[2])).formatHex();
}

/** Relative luminance of WCAG 2: 0 for black, 1 for white. */
function luminance(color: string): number {
  const [r, g, b] = linear(color);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The color as it is seen. */
export function seenAs(color: string, vision: Vision): string {
  if (vision === 'normal') return rgb(color).formatHex();
  if (vision === 'grey') {
    const light = luminance(color);
    return encoded([light, light, light]);
  }
  const light = linear(color);
  const [r, g, b] = simulations[vision].map(
    (row) => row[0] * light[0] + row[1] * light[1] + row[2] * light[2],
  );
  return encoded([r, g, b]);
}

/** Contrast ratio of WCAG 2: 1 to 21. */
export function contrast(color: string, paper: string): number {
  const [a, b] = [luminance(color), luminance(paper)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/** Euclidean distance in CIE Lab (ΔE of 1976): about 2 is just noticeable side by side. */
export function colorDistance(a: string, b: string, vision: Vision = 'normal'): number {
  const [one, two] = [lab(seenAs(a, vision)), lab(seenAs(b, vision))];
  return Math.hypot(one.l - two.l, one.a - two.a, one.b - two.b);
}

export interface ColorCheck {
  /** The pair that is hardest to tell apart in each vision; empty with fewer than two colors. */
  readonly closest: readonly {
    readonly vision: Vision;
    readonly colors: readonly [string, string];
    readonly distance: number;
  }[];
  /** The color that stands out least from the paper; null without colors. */
  readonly faintest: { readonly color: string; readonly contrast: number } | null;
  readonly warnings: readonly string[];
}

/** Closer ones need their marker or dash. */
const CLOSE = 10;
/** WCAG 2.1, success criterion 1.4.11: graphical objects. */
const FAINT = 3;

/** Of the colors that must be told apart; the order and repetitions do not matter. */
export function checkColors(colors: readonly string[], paper: string): ColorCheck {
  const distinct = [...new Set(colors.map((color) => rgb(color).formatHex()))].sort();
  const pairs = distinct.flatMap((a, i) => distinct.slice(i + 1).map((b) => [a, b] as const));
  const closest = visions.flatMap((vision) => {
    const ranked = pairs
      .map((pair) => ({ vision, colors: pair, distance: colorDistance(...pair, vision) }))
      .sort((a, b) => a.distance - b.distance);
    return ranked.slice(0, 1);
  });
  const faint = distinct
    .map((color) => ({ color, contrast: contrast(color, paper) }))
    .sort((a, b) => a.contrast - b.contrast);
  const close = closest.filter(({ distance }) => distance < CLOSE);
  return {
    closest,
    faintest: faint[0] ?? null,
    warnings: [
      ...(close.length === 0
        ? []
        : [
            `Some colors are close (${close
              .map(({ vision, distance }) => `${vision} ΔE ${distance.toFixed(0)}`)
              .join(', ')}): there only markers and dashes tell the lines apart.`,
          ]),
      ...(faint.length > 0 && faint[0].contrast < FAINT
        ? [
            `${faint[0].color} is faint on ${paper}: contrast ${faint[0].contrast.toFixed(1)}, below ${FAINT}.`,
          ]
        : []),
    ],
  };
}
