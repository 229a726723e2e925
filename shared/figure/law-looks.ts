/** Color, dash and name of each law: the same in every figure of a color set. What is measured is never dashed. */
import { LAWS, type LawName } from '../laws/laws.ts';
import { ACCENT, categoryColors, type CategorySet } from './colors.ts';
import type { Stroke } from './curves.ts';
import type { Label } from './label.ts';

/** For the one thing of a figure that must stand out. */
export function accentOf(set: CategorySet): string {
  return set === 'okabe-ito' ? ACCENT : categoryColors[set][0];
}

/** The second channel. */
const dashes: Readonly<Record<LawName, string>> = {
  surge: '7 1.4',
  alpha1: '3 1.5',
  alpha_half: '1.1 1.3',
  alpha_free: '5 1.3 1.1 1.3',
  mean_field: '5 1.3 1.1 1.3 1.1 1.3',
  power: '9 2.2',
  constant: '1.1 2.6',
};

/** The first four of each set; the rest of a set is too light for a thin line on white and is darker here. */
const colors: Readonly<Record<CategorySet, Readonly<Record<LawName, string>>>> = {
  'okabe-ito': lawColors('okabe-ito', '#B58900', '#3A9BD1'),
  'tol-bright': lawColors('tol-bright', '#9A8B1F', '#2F9FC4'),
};

function lawColors(set: CategorySet, meanField: string, power: string) {
  const [surge, alpha1, alphaHalf, alphaFree] = categoryColors[set];
  return {
    surge,
    alpha1,
    alpha_half: alphaHalf,
    alpha_free: alphaFree,
    mean_field: meanField,
    power,
    constant: '#595959',
  };
}

export function lawStroke(law: LawName, width: number, categories: CategorySet = 'okabe-ito'): Stroke {
  return { color: colors[categories][law], dash: dashes[law], width };
}

/** The law's title with its Greek letter. */
export function lawLabel(law: LawName): Label {
  return LAWS[law].title.split(/(alpha)/).flatMap((text) => {
    if (text === '') return [];
    return [text === 'alpha' ? { text: 'α', italic: true } : { text }];
  });
}

/** A vertical line at a noise scale. */
export function noiseScaleStroke(width: number, categories: CategorySet = 'okabe-ito'): Stroke {
  return { color: accentOf(categories), width, dash: '2.6 1.6' };
}

/** Around a noise scale: its interval. */
const noiseScaleFills: Readonly<Record<CategorySet, string>> = {
  'okabe-ito': '#fbe6d8',
  'tol-bright': '#fde3e6',
};

export function noiseScaleFill(categories: CategorySet): string {
  return noiseScaleFills[categories];
}
