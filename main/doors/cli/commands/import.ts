import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { fitLaws } from '#shared/laws/fit.ts';
import type { RidgeFit } from '#shared/laws/fit.ts';
import { gridFactor, judgeRidge } from '#shared/laws/verdict.ts';
import type { Verdict } from '#shared/laws/verdict.ts';
import { describeReport } from '#shared/import/report.ts';
import { importedRidge } from '#shared/import/ridge.ts';
import type { ImportedOptimum } from '#shared/import/ridge.ts';
import type { ImportedFamily } from '#shared/import/sweep.ts';
import { fitStepsLine, fitStepsLogSpace } from '#shared/theory/steps-examples.ts';
import { importFile, mappingFor, MappingError } from '#main/lab/import-file.ts';
import { BadInput } from '../exit-codes.ts';
import { learningRate, notice, print, printJson, table } from '../terminal.ts';
import { withJson } from './options.ts';

interface ImportOptions {
  readonly json?: boolean;
  readonly preset?: string;
  readonly map?: string;
  readonly smooth?: boolean;
  readonly dryRun?: boolean;
}

export function addImport(program: Command): void {
  withJson(
    program
      .command('import <file>')
      .description(
        'other people’s sweeps (CSV, TSV, JSON lines): a report, then every analysis their columns allow',
      ),
  )
    .option('--preset <name>', 'a known file layout (default: by the file name)')
    .option('--map <file>', 'a mapping of the columns, YAML or JSON; see docs/import.md')
    .option('--smooth', 'optima by a smooth fit over all learning rates instead of three points')
    .option('--dry-run', 'only the report: rows read, kept, dropped and why')
    .action(async (file: string, options: ImportOptions) => {
      if (!existsSync(file)) throw new BadInput(`${file}: there is no such file.`);
      const mapping = await mappingFor(file, options).catch((error: unknown) => {
        throw error instanceof MappingError ? new BadInput(error.message) : error;
      });
      const result = await importFile(file, mapping);
      if (!result.ok) {
        for (const line of describeReport(result.report)) notice(line);
        throw new BadInput(
          `${file}${result.line === null ? '' : `:${result.line}`}: ${result.message} Nothing was imported.`,
        );
      }
      const families =
        options.dryRun === true
          ? []
          : result.families.map((family) => analyse(family, options.smooth === true));
      if (options.json === true) {
        printJson({ file, batchUnit: result.batchUnit, goal: result.goal, report: result.report, families });
        return;
      }
      for (const line of describeReport(result.report)) print(line);
      print(
        `${result.families.length} ${result.families.length === 1 ? 'family' : 'families'}, batch sizes in ${result.batchUnit}.`,
      );
      for (const family of families) printFamily(family);
    });
}

function analyse(family: ImportedFamily, smooth: boolean) {
  const can = (analysis: string) => family.analyses.find((a) => a.analysis === analysis)?.possible === true;
  const method = smooth || !can('three-point optimum') ? 'smooth' : 'three-point';
  const ridge = can('ridge') ? importedRidge(family, { method }) : null;
  const laws = ridge === null ? null : fitLaws(ridge);
  const factor = gridFactor(family.learningRates);
  const steps = family.cells.flatMap(({ batchSize, stepsToTarget }) =>
    stepsToTarget === null ? [] : [{ batchSize, steps: stepsToTarget }],
  );
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
    steps: steps.length === 0 ? null : { line: fitStepsLine(steps), logSpace: fitStepsLogSpace(steps) },
  };
}

function printFamily(family: ReturnType<typeof analyse>): void {
  print(`\n${family.label}: ${family.cells} cells, ${family.missing} missing`);
  for (const { analysis, possible, reason } of family.analyses)
    if (!possible) print(`  no ${analysis}: ${reason}`);
  if (family.ridge !== null) printRidge(family.ridge, family.laws, family.verdict);
  if (family.steps !== null) {
    const { line, logSpace } = family.steps;
    const number = (x: number | null | undefined) => (x == null ? '–' : String(Number(x.toPrecision(5))));
    print(
      `  steps to the target: B_crit ${number(logSpace?.bNoise)} (log space), ${number(line?.bNoise)} (equation 22); S_min ${number(logSpace?.stepsMin)}, E_min ${number(logSpace?.examplesMin)}`,
    );
  }
}

function printRidge(ridge: readonly ImportedOptimum[], laws: RidgeFit | null, verdict: Verdict | null): void {
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
  if (laws !== null && laws.fits.length > 0)
    print(`  laws by AICc: ${laws.fits.map((f) => `${f.law} (Δ ${f.deltaAicc.toFixed(1)})`).join(', ')}`);
  if (verdict !== null) print(`  ${verdict.sentence}`);
}
