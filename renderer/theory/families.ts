/** Noisy quadratics that a few sliders span. */
import { noisyQuadratic, type NoisyQuadratic } from '#shared/theory/quadratic.ts';
import { theoryPresetNames, theoryPresets, type TheoryPreset } from '#shared/theory/examine.ts';

export const familyNames = ['equicorrelated', 'diagonal', 'low-rank'] as const;
export type FamilyName = (typeof familyNames)[number];

export interface FamilySettings {
  readonly family: FamilyName;
  /** Coordinates. */
  readonly n: number;
  /** Geometric middle of |mu_i|, the mean of the per-sample gradient. */
  readonly mu: number;
  /** Largest over smallest |mu_i|, spread evenly in the logarithm. */
  readonly muSpread: number;
  /** Share of coordinates with a negative mean. */
  readonly negative: number;
  /** Standard deviation of the per-sample gradient, the same for all. */
  readonly sigma: number;
  /** equicorrelated: correlation of the curvature; low-rank: strength of the shared direction. */
  readonly coupling: number;
  /** Largest over smallest H_ii. */
  readonly condition: number;
}

export const familyWords: Readonly<Record<FamilyName, { readonly title: string; readonly meaning: string }>> =
  {
    equicorrelated: {
      title: 'equicorrelated',
      meaning:
        'H_ij = ρ √(H_ii H_jj) off the diagonal: every coordinate bends every other one by the same share.',
    },
    diagonal: {
      title: 'diagonal',
      meaning: 'No curvature off the diagonal. Sign descent then has no peak: the negative control.',
    },
    'low-rank': {
      title: 'low rank',
      meaning:
        'A diagonal plus s·vv′ with v along the signs of the mean gradient: curvature lies where the updates go.',
    },
  };

export const firstSettings: FamilySettings = {
  family: 'equicorrelated',
  n: 100,
  mu: 0.02,
  muSpread: 1,
  negative: 0,
  sigma: 1,
  coupling: theoryPresets.peak,
  condition: 1,
};

export interface TheoryPresetLook {
  readonly name: TheoryPreset;
  readonly title: string;
  readonly settings: FamilySettings;
}

const titles: Readonly<Record<TheoryPreset, string>> = {
  diagonal: 'negative control: diagonal',
  'no-peak': 'coupled, yet no peak',
  peak: 'peak',
  'strong-peak': 'strong peak',
};

/** Those of `surge theory --preset`. */
export const presetLooks: readonly TheoryPresetLook[] = theoryPresetNames.map((name) => ({
  name,
  title: titles[name],
  settings: { ...firstSettings, coupling: theoryPresets[name] },
}));

/** n values from low to high with the given ratio, evenly in the logarithm, geometric middle `middle`. */
function spread(n: number, middle: number, ratio: number): number[] {
  return Array.from({ length: n }, (_, i) => middle * ratio ** (n === 1 ? 0 : i / (n - 1) - 0.5));
}

export function quadraticOf(settings: FamilySettings): NoisyQuadratic {
  const { family, n, mu, muSpread, negative, sigma, coupling, condition } = settings;
  const magnitudes = spread(n, mu, muSpread);
  // Evenly through all magnitudes, so that the sign says nothing about the size.
  const isNegative = (i: number) => Math.floor((i + 1) * negative) > Math.floor(i * negative);
  const means = magnitudes.map((value, i) => (isNegative(i) ? -value : value));
  const bends = spread(n, 1, condition).reverse();
  const hessian = bends.map((own, i) =>
    bends.map((other, j) => {
      if (i === j) return family === 'low-rank' ? own + coupling : own;
      switch (family) {
        case 'diagonal':
          return 0;
        case 'equicorrelated':
          return coupling * Math.sqrt(own * other);
        case 'low-rank':
          return coupling * Math.sign(means[i]) * Math.sign(means[j]);
      }
    }),
  );
  return noisyQuadratic({ mu: means, sigma: Array.from({ length: n }, () => sigma), hessian });
}
