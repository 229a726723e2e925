/** Every kind of figure in every preset: texts apart, everything on the page, or a message that names a size that does. */
import { describe, expect, it } from 'vitest';
import { checkColors } from '#shared/figure/color-vision.ts';
import { categorySets } from '#shared/figure/colors.ts';
import { drawFigure } from '#shared/figure/draw.ts';
import { fitFigure, FigureSizeError, type FittedFigure } from '#shared/figure/fit.ts';
import { elementsOf, outsidePage, overlappingTexts } from '#shared/figure/geometry.ts';
import { lawStroke } from '#shared/figure/law-looks.ts';
import { presetNames, presets, type Preset } from '#shared/figure/presets.ts';
import { figureSpecificationSchema, type FigureSpecificationInput } from '#shared/figure/specification.ts';
import { LAW_NAMES } from '#shared/laws/laws.ts';
import { galleryData, galleryEntries } from './gallery-entries.ts';

/** Resampling and simulation take most of the time, and no part in the layout. */
const plain = ({ file, specification }: (typeof galleryEntries)[number]) => ({
  file,
  specification:
    specification.kind === 'theory'
      ? { ...specification, draws: 20 }
      : specification.kind === 'ridge' || specification.kind === 'migration'
        ? { ...specification, seeds: [0, 1] }
        : specification,
});
/** Six panels below each other need a page of their own. */
const entries = galleryEntries.filter(({ file }) => file !== 'protocol').map(plain);

function fit(input: FigureSpecificationInput, preset: Preset): FittedFigure {
  const specification = figureSpecificationSchema.parse(input);
  return fitFigure((look) => drawFigure(specification, galleryData, look), preset);
}

const refusal = (input: FigureSpecificationInput, preset: Preset): string => {
  try {
    fit(input, preset);
  } catch (error) {
    if (error instanceof FigureSizeError) return error.message;
    throw error;
  }
  return '';
};

/** Presets of the same size and type are the same page. */
const pages = [
  ...new Map(
    presetNames.map((name) => {
      const { width, maxHeight, textSize, face, fillsPage, paper } = presets[name] as Preset;
      return [JSON.stringify([width, maxHeight, textSize, face, fillsPage, paper]), name] as const;
    }),
  ).values(),
];

describe.each(pages)('%s', (name) => {
  const preset = presets[name];
  it.each(entries)('holds $file', ({ specification }) => {
    const figure = fit(specification, preset);
    expect(figure.width).toBe(preset.width);
    expect(figure.height).toBeLessThanOrEqual(preset.maxHeight + 1e-6);
    expect(outsidePage(figure.tree, preset.face)).toEqual([]);
    expect(overlappingTexts(figure.tree, preset.face)).toEqual([]);
  });
});

describe('a size that does not do', () => {
  const protocol = galleryEntries.find(({ file }) => file === 'protocol')!.specification;
  const ridge = {
    kind: 'ridge' as const,
    experiment: 'digits',
    seeds: [0, 1],
  } satisfies FigureSpecificationInput;

  it('is refused with the least height, or the figure is on its page', () => {
    expect(refusal(protocol, presets['nature-89'])).toMatch(
      /^The figure is \d+ mm high at a width of 89 mm, and "Nature, one column" allows 170 mm: draw fewer/,
    );
    const figure = fit(protocol, presets['nature-183']);
    expect(figure.height).toBeLessThanOrEqual(170);
    expect(overlappingTexts(figure.tree)).toEqual([]);
  });

  it('is refused with the least width, and that one does', () => {
    const narrow = { ...presets.thesis, width: 40 };
    const message = refusal(ridge, narrow);
    expect(message).toMatch(
      /^The axes do not fit into 40 mm at 9 pt type \("Thesis on A4"\): it needs \d+ mm/,
    );
    const least = Number(/needs (\d+) mm/.exec(message)![1]);
    expect(refusal(ridge, { ...narrow, width: least })).toBe('');
    expect(refusal(ridge, { ...narrow, width: least - 1 })).toMatch(/do not fit/);
  });

  it('says so when no width near it does', () => {
    expect(refusal(ridge, { ...presets.poster, width: 20 })).toMatch(/choose another preset or smaller type/);
  });
});

describe('the color set of a preset', () => {
  const strokesOf = (input: FigureSpecificationInput, categories: Preset['categories']) =>
    elementsOf(fit(input, { ...presets.thesis, categories }).tree).map(({ attributes }) => attributes.stroke);
  const laws = {
    kind: 'ridge' as const,
    experiment: 'digits',
    seeds: [0, 1],
  } satisfies FigureSpecificationInput;

  it.each(categorySets)('%s colors the laws, each with a dash of its own', (set) => {
    const strokes = LAW_NAMES.map((law) => lawStroke(law, 1, set));
    expect(new Set(strokes.map(({ color }) => color)).size).toBe(LAW_NAMES.length);
    expect(new Set(strokes.map(({ dash }) => dash)).size).toBe(LAW_NAMES.length);
    expect(strokesOf(laws, set)).toContain(lawStroke('surge', 1, set).color);
    expect(
      checkColors(
        strokes.map(({ color }) => color),
        '#ffffff',
      ).faintest!.contrast,
    ).toBeGreaterThan(2);
  });

  it('colors theory and noise scale too', () => {
    const theory = { kind: 'theory', problem: { preset: 'peak' }, draws: 20 } as const;
    expect(strokesOf(theory, 'okabe-ito')).toContain('#D55E00');
    const tol = strokesOf(theory, 'tol-bright');
    for (const color of ['#EE6677', '#4477AA', '#228833']) expect(tol).toContain(color);
    expect(tol).not.toContain('#D55E00');
  });
});
