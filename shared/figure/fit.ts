/** A figure at the size of a preset: drawn at the type size of `printStyle`, then scaled as a whole. */
import { onDarkPaper, DARK_PAPER } from './dark.ts';
import type { Figure } from './figure.ts';
import { outsidePage, overlappingTexts } from './geometry.ts';
import type { Preset } from './presets.ts';
import { printStyle, type Style } from './style.ts';
import { element, formatNumber, POINTS_PER_MILLIMETRE, type SvgNode } from './tree.ts';

/** A figure that cannot be drawn at the size asked for; the message says what to change. */
export class FigureSizeError extends Error {
  override readonly name = 'FigureSizeError';
}

/** What draws a figure at a width in points. */
export type Draw = (options: { readonly width: number; readonly style: Style }) => Figure;

export interface FittedFigure extends Figure {
  /** Of the page, in millimetres. */
  readonly width: number;
  readonly height: number;
  /** Behind everything. */
  readonly paper: string;
  /** Points of type on the page. */
  readonly textSize: number;
}

/** In points, at the type size of `printStyle`: narrower, the axes leave no room for data. */
const NARROWEST = 150;
/** Of the panels' usual height. */
const LOWEST = 0.5;
/** How far a width that would do is looked for. */
const WIDEST = 4;
/** Of the preset's type, on a page of fixed height. */
const SMALLER = [1, 0.9, 0.8, 0.7, 0.6];

/**
 * Throws FigureSizeError when the axes do not fit, or the figure is higher than the preset allows; the message has the
 * least size that does.
 */
export function fitFigure(draw: Draw, preset: Preset): FittedFigure {
  try {
    return fitted(draw, preset);
  } catch (error) {
    if (!(error instanceof NarrowError)) throw error;
    const least = leastWidth(draw, preset);
    const advice =
      least === null ? 'choose another preset or smaller type' : `it needs ${least} mm at this type size`;
    throw new FigureSizeError(`${error.message}: ${advice}.`);
  }
}

/** Without the advice, which takes more drawing to find. */
class NarrowError extends FigureSizeError {}

/** Whole millimetres from which on the axes fit, up to WIDEST times the width asked for; null where that is not enough. */
function leastWidth(draw: Draw, preset: Preset): number | null {
  const fits = (width: number) => {
    try {
      // Its height is another matter.
      fitted(draw, { ...preset, width, maxHeight: Infinity, fillsPage: false });
      return true;
    } catch (error) {
      if (error instanceof FigureSizeError) return false;
      throw error;
    }
  };
  let low = Math.floor(preset.width);
  let high = Math.ceil(WIDEST * preset.width);
  if (!fits(high)) return null;
  while (high - low > 1) {
    const middle = Math.round((low + high) / 2);
    if (fits(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function fitted(draw: Draw, preset: Preset): FittedFigure {
  const usual = preset.textSize / printStyle.textSize;
  let lowest = Infinity;
  for (const smaller of preset.fillsPage ? SMALLER : [1]) {
    const scale = usual * smaller;
    const at = (panelHeight: number) => {
      const figure = drawAt(draw, preset, scale, panelHeight);
      return { figure, height: (scale * heightOf(figure.tree)) / POINTS_PER_MILLIMETRE };
    };
    const fits = ({ height }: { readonly height: number }) => height <= preset.maxHeight + 1e-6;
    const full = at(1);
    if (fits(full)) return finished(full.figure, preset, scale, full.height);
    const low = at(LOWEST);
    lowest = Math.min(lowest, low.height);
    if (!fits(low)) continue;
    // The height grows with the panels' in proportion; drawing computes everything anew, so there is no search.
    const share = (preset.maxHeight - low.height) / (full.height - low.height);
    const between = at(LOWEST + 0.98 * share * (1 - LOWEST));
    const { figure, height } = fits(between) ? between : low;
    return finished(figure, preset, scale, height);
  }
  throw new FigureSizeError(
    `The figure is ${lowest.toFixed(0)} mm high at a width of ${preset.width} mm, and "${preset.title}" allows ${preset.maxHeight} mm: draw fewer panels or choose a wider preset.`,
  );
}

function drawAt(draw: Draw, preset: Preset, scale: number, panelHeight: number): Figure {
  const { face, colorMap, categories, width: millimetres, title } = preset;
  const width = (millimetres * POINTS_PER_MILLIMETRE) / scale;
  const tooNarrow = new NarrowError(
    `The axes do not fit into ${millimetres} mm at ${formatNumber(scale * printStyle.textSize)} pt type ("${title}")`,
  );
  if (width < NARROWEST) throw tooNarrow;
  const lineWidth = preset.lineWidth / scale;
  const thinLineWidth = (5 / 9) * lineWidth;
  const figure = draw({
    width,
    style: { ...printStyle, face, colorMap, categories, lineWidth, thinLineWidth, panelHeight },
  });
  if (outsidePage(figure.tree, face).length > 0 || overlappingTexts(figure.tree, face).length > 0)
    throw tooNarrow;
  return figure;
}

function heightOf(tree: SvgNode): number {
  return Number(String(tree.attributes.viewBox).split(' ')[3]);
}

function finished(figure: Figure, preset: Preset, scale: number, height: number): FittedFigure {
  const { width, maxHeight, fillsPage, paper } = preset;
  const pageHeight = fillsPage ? maxHeight : height;
  const shown = fillsPage ? centred(figure.tree, (maxHeight * POINTS_PER_MILLIMETRE) / scale) : figure.tree;
  const tree = {
    ...shown,
    attributes: {
      ...shown.attributes,
      width: `${formatNumber(width)}mm`,
      height: `${formatNumber(pageHeight)}mm`,
    },
  };
  return {
    ...figure,
    tree: paper === 'dark' ? onDarkPaper(tree) : tree,
    width,
    height: pageHeight,
    paper: paper === 'dark' ? DARK_PAPER : printStyle.paper,
    textSize: scale * printStyle.textSize,
  };
}

/** The drawing in the middle of a higher page. */
function centred(tree: SvgNode, height: number): SvgNode {
  const [, , width, drawn] = String(tree.attributes.viewBox).split(' ');
  const down = (height - Number(drawn)) / 2;
  const [title, paper, ...rest] = tree.children;
  if (typeof paper === 'string') return tree;
  return {
    ...tree,
    attributes: { ...tree.attributes, viewBox: `0 0 ${width} ${formatNumber(height)}` },
    children: [
      title,
      element('rect', { ...paper.attributes, height }),
      element('g', { transform: `translate(0 ${formatNumber(down)})` }, rest),
    ],
  };
}
