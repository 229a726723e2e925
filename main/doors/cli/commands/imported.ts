/** Imported families on the command line: the analyses that their columns allow, from the numbers as they were published. */
import type { FamilyAnalysis, ImportedFamily } from '#shared/import/sweep.ts';
import { importedRidge } from '#shared/import/ridge.ts';
import type { ImportedOptimum } from '#shared/import/ridge.ts';
import { fitLaws } from '#shared/laws/fit.ts';
import type { RidgeFit } from '#shared/laws/fit.ts';
import { gridFactor, judgeRidge } from '#shared/laws/verdict.ts';
import type { Verdict } from '#shared/laws/verdict.ts';
import { experimentWarnings, importedRidgeWarnings } from '#shared/protocol/ridge-warnings.ts';
import { fitStepsLine, fitStepsLogSpace } from '#shared/theory/steps-examples.ts';
import { warnAboutCriticalBatch } from '#shared/theory/warnings.ts';
import type { ExperimentSummary, ReadableStore } from '#main/lab/store/types.ts';
import { BadInput } from '../exit-codes.ts';
import { learningRate, print, table } from '../terminal.ts';
import { printWarnings } from '../warnings.ts';
import type { DefinitionOptions } from './definition-options.ts';
import type { SmoothOption } from './options.ts';

export type FamilyResult = ReturnType<typeof analyseFamily>;

export function analyseFamily(family: ImportedFamily, smooth = false) {
  const can = (name: FamilyAnalysis['analysis']) =>
    family.analyses.some(({ analysis, possible }) => analysis === name && possible);
  const method = smooth || !can('three-point optimum') ? 'smooth' : 'three-point';
  const ridge = can('ridge') ? importedRidge(family, { method }) : null;
  const laws = ridge === null ? null : fitLaws(ridge);
  const factor = gridFactor(family.learningRates);
  const steps = family.cells.flatMap(({ batchSize, stepsToTarget }) =>
    stepsToTarget === null ? [] : [{ batchSize, steps: stepsToTarget }],
  );
  const logSpace = steps.length === 0 ? null : fitStepsLogSpace(steps);
  return {
    label: family.label,
    key: family.key,
    batchSizes: family.batchSizes,
    cells: family.cells.length,
    missing: family.missing,
    analyses: family.analyses,
    method,
    ridge,
    laws,
    verdict: laws === null ? null : judgeRidge(laws, factor === null ? {} : { gridFactor: factor }),
    steps: steps.length === 0 ? null : { line: fitStepsLine(steps), logSpace },
    warnings: [
      ...(ridge === null ? [] : importedRidgeWarnings(ridge, Math.max(1, family.seeds.length))),
      ...(logSpace === null ? [] : warnAboutCriticalBatch(logSpace.bNoise, null)),
      ...experimentWarnings(null),
    ],
  };
}

/**
 * The family's own analysis where there are no curves on a grid: final losses, or steps to a target. Null where curves
 * answer, as for every experiment trained here. Throws BadInput when a definition is asked for that needs curves.
 */
export function familyWithoutCurves(
  store: ReadableStore,
  { id, name, imported }: ExperimentSummary,
  { step, samples, loss, fewestSteps, smooth }: Partial<DefinitionOptions> & SmoothOption = {},
): FamilyResult | null {
  if (imported === null || imported.hasCurves) return null;
  if (step !== undefined || samples !== undefined || loss !== undefined || fewestSteps === true) {
    const reason = imported.analyses.find((a) => a.analysis === 'migration' && !a.possible)?.reason;
    throw new BadInput(
      `"${name}" was imported, and --step, --samples and --loss need curves on a grid: ${reason ?? 'its learning rates are on none'}.`,
    );
  }
  return analyseFamily(store.importedFamily(id), smooth);
}

export function printFamily(family: FamilyResult): void {
  print(`\n${family.label}: ${family.cells} cells, ${family.missing} missing`);
  for (const { analysis, possible, reason } of family.analyses)
    if (!possible) print(`  no ${analysis}: ${reason}`);
  if (family.ridge !== null) {
    printFamilyRidge(family.ridge);
    printFamilyLaws(family.laws, family.verdict);
  }
  printSteps(family.steps);
  printWarnings(family.warnings);
}

export function printSteps(steps: FamilyResult['steps']): void {
  if (steps === null) return;
  const { line, logSpace } = steps;
  const number = (x: number | null | undefined) => (x == null ? '–' : String(Number(x.toPrecision(5))));
  print(
    `  steps to the target: B_crit ${number(logSpace?.bNoise)} (log space), ${number(line?.bNoise)} (equation 22); S_min ${number(logSpace?.stepsMin)}, E_min ${number(logSpace?.examplesMin)}`,
  );
}

export function printFamilyRidge(ridge: readonly ImportedOptimum[]): void {
  print(
    table(
      ['batch size>', 'learning rate>', 'loss>', 'usable>', 'failed>', 'flags'],
      ridge.map((p) => [
        String(p.batchSize),
        learningRate(p.learningRate),
        p.loss.toPrecision(5),
        String(p.usable),
        String(p.failed),
        p.flags.join(', '),
      ]),
    ),
  );
}

export function printFamilyLaws(laws: RidgeFit | null, verdict: Verdict | null): void {
  if (laws !== null && laws.fits.length > 0)
    print(`  laws by AICc: ${laws.fits.map((f) => `${f.law} (Δ ${f.deltaAicc.toFixed(1)})`).join(', ')}`);
  if (verdict !== null) print(`  ${verdict.sentence}`);
}

/** Why a family has no ridge, in one sentence. */
export function noRidge({ label, analyses }: FamilyResult, name: string): string {
  const reason = analyses.find(({ analysis }) => analysis === 'ridge')?.reason ?? '';
  return `"${name}"${label === 'all rows' || name.includes(label) ? '' : ` (${label})`} has no ridge: ${reason}.`;
}
