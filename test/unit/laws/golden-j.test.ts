import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fitLaws, fitOf } from '#shared/laws/fit.ts';
import type { LawName, ParameterName } from '#shared/laws/laws.ts';
import { describeWithReference } from '../../support/reference.ts';

interface ExpectedFit {
  params: Record<string, number>;
  ssr_ln: number;
  k: number;
  aicc: number;
  loo_mse_ln: number;
  at_bound: boolean;
  delta_aicc: number;
  akaike_weight: number;
}
interface LawEntry {
  id: string;
  inputs: { B: number[]; eps_opt: number[]; laws: LawName[] };
  expected: { fits: Record<string, ExpectedFit>; best_by_aicc: string; best_by_loo: string };
  rtol: number;
  rtol_by_field: Record<string, number>;
}

const NAMES: Record<string, ParameterName> = {
  eps_max: 'epsMax',
  eps_peak: 'epsPeak',
  amplitude: 'amplitude',
  B_noise: 'bNoise',
  B_mf: 'bMeanField',
  beta_star: 'betaStar',
  alpha: 'alpha',
  exponent: 'exponent',
};

describeWithReference('golden group j: law fits', (folder) => {
  const file = JSON.parse(readFileSync(`${folder}/golden/theory.json`, 'utf8')) as {
    entries: { id: string }[];
  };
  const entries = file.entries.filter((entry) => entry.id.startsWith('j.')) as LawEntry[];
  it('has its three entries', () => {
    expect(entries.map((entry) => entry.id)).toEqual([
      'j.laws_surge_data',
      'j.laws_alpha1_data',
      'j.laws_plateau_data',
    ]);
  });
  it.each(entries)('$id', ({ inputs, expected, rtol, rtol_by_field: byField }) => {
    const close = (actual: number, wanted: number, what: string, tolerance = rtol) => {
      expect(Math.abs(actual - wanted), `${what}: ${actual}, expected ${wanted}`).toBeLessThanOrEqual(
        tolerance * Math.abs(wanted),
      );
    };
    const points = inputs.B.map((batchSize, i) => ({ batchSize, learningRate: inputs.eps_opt[i] }));
    const ridge = fitLaws(points, { laws: inputs.laws });
    expect(ridge.fits.map((fit) => fit.law).sort()).toEqual(Object.keys(expected.fits).sort());
    for (const [law, wanted] of Object.entries(expected.fits)) {
      const fit = fitOf(ridge, law as LawName)!;
      expect(Object.keys(fit.parameters).sort()).toEqual(
        Object.keys(wanted.params)
          .map((name) => NAMES[name])
          .sort(),
      );
      for (const [name, value] of Object.entries(wanted.params)) {
        close(fit.parameters[NAMES[name]]!, value, `${law} ${name}`, byField.params);
      }
      close(fit.sumOfSquares, wanted.ssr_ln, `${law} ssr`);
      expect(fit.k).toBe(wanted.k);
      close(fit.aicc, wanted.aicc, `${law} aicc`);
      close(fit.deltaAicc, wanted.delta_aicc, `${law} delta`);
      close(fit.akaikeWeight, wanted.akaike_weight, `${law} Akaike weight`);
      close(fit.leaveOneOut.meanSquare, wanted.loo_mse_ln, `${law} leave-one-out`, byField.loo_mse_ln);
      expect(fit.atBound.length > 0).toBe(wanted.at_bound);
    }
    expect(ridge.bestByAicc).toBe(expected.best_by_aicc);
    expect(ridge.bestByLeaveOneOut).toBe(expected.best_by_loo);
  });
});
