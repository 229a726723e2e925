/** Color, dash and name of each law: the same in every figure. What is measured is never dashed. */
import { LAWS, type LawName } from '../laws/laws.ts';
import { ACCENT } from './colors.ts';
import type { Stroke } from './curves.ts';
import type { Label } from './label.ts';

/** Okabe and Ito's colors; the dash is the second channel. */
const looks: Readonly<Record<LawName, { readonly color: string; readonly dash: string }>> = {
  surge: { color: ACCENT, dash: '7 1.4' },
  alpha1: { color: '#0072B2', dash: '3 1.5' },
  alpha_half: { color: '#009E73', dash: '1.1 1.3' },
  alpha_free: { color: '#CC79A7', dash: '5 1.3 1.1 1.3' },
  mean_field: { color: '#B58900', dash: '5 1.3 1.1 1.3 1.1 1.3' },
  power: { color: '#3A9BD1', dash: '9 2.2' },
  constant: { color: '#595959', dash: '1.1 2.6' },
};

export function lawStroke(law: LawName, width: number): Stroke {
  return { ...looks[law], width };
}

/** The law's title with its Greek letter. */
export function lawLabel(law: LawName): Label {
  return LAWS[law].title.split(/(alpha)/).flatMap((text) => {
    if (text === '') return [];
    return [text === 'alpha' ? { text: 'α', italic: true } : { text }];
  });
}

/** A vertical line at a noise scale. */
export function noiseScaleStroke(width: number): Stroke {
  return { color: ACCENT, width, dash: '2.6 1.6' };
}

/** Around a noise scale: its interval. */
export const NOISE_SCALE_FILL = '#fbe6d8';
