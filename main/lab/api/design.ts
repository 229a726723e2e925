/** What a specification would do and cost, before anything starts. */
import { isAbsolute } from 'node:path';
import { stringify } from 'yaml';
import type { CallArgument } from '#shared/api/contract.ts';
import type { DesignCost, DesignPreview } from '#shared/api/types.ts';
import { dataPathFields } from '#shared/experiment/data-paths.ts';
import { cellConfigurations } from '#shared/experiment/cells.ts';
import { parseExperimentFile, specificationToYaml } from '#shared/experiment/file.ts';
import { expandGrid, type Grid } from '#shared/experiment/grid.ts';
import { planStacks } from '#shared/experiment/plan.ts';
import type { StackPlan } from '#shared/experiment/stack.ts';
import { batchUnitOf } from '#shared/experiment/batch-unit.ts';
import type { Specification } from '#shared/experiment/specification.ts';
import { ApiError } from '#shared/api/errors.ts';
import { calibrate, recallCalibration, type WorkloadFacts } from '../scheduler/calibration.ts';
import { estimateCost } from '../scheduler/estimate.ts';
import {
  cellsPerStack,
  stackBytes,
  stackNeed,
  TRAINER_BYTES,
  type Workforce,
} from '../scheduler/settings.ts';
import type { Calibration } from '../scheduler/measurements.ts';
import { fitProblem } from '../scheduler/memory.ts';
import type { ReadableStore } from '../store/types.ts';
import type { Jobs } from './jobs.ts';
import type { WorkloadReader } from './workload-facts.ts';

/** Cells of a stack while this machine has not been measured. */
const TYPICAL_STACK = 48;
/** Above this many cells the picture of the grid is not asked how each of them would be trained. */
const MOST_PLANNED = 200_000;

export interface DesignHost {
  store(): ReadableStore;
  workforce(): Workforce;
  maxCellsPerStack(): number;
  readonly jobs: Jobs;
  readonly workloads: WorkloadReader;
}

export class Design {
  readonly #host: DesignHost;
  constructor(host: DesignHost) {
    this.#host = host;
  }

  async preview(argument: CallArgument<'design.preview'>): Promise<DesignPreview> {
    const parsed = parse(argument);
    if (!parsed.ok) return { problems: parsed.problems, warnings: [], design: null };
    const { specification, warnings } = parsed;
    let facts: WorkloadFacts;
    try {
      facts = await this.#host.workloads.recent(specification);
    } catch (error) {
      const path = 'data' in specification.workload ? 'workload.data' : 'workload';
      return {
        problems: [{ path, line: null, message: (error as Error).message }],
        warnings: [...warnings],
        design: null,
      };
    }
    const { dataChecksum: checksum, parameters } = facts;
    const grid = expandGrid(specification);
    const workforce = this.#host.workforce();
    const calibration = recallCalibration(specification, grid, workforce.threads, checksum);
    const { batchSizes, learningRates, seeds } = grid;
    const { diskBytes, seconds } = estimateCost(specification, grid, calibration, workforce);
    const plan = this.#plan(specification, grid, calibration, workforce);
    const problem =
      calibration === null ? null : fitProblem(specification, batchSizes, calibration, workforce);
    return {
      problems: [],
      warnings: problem === null ? [...warnings] : [...warnings, problem],
      design: {
        specification,
        input: specification,
        text: specificationToYaml(specification),
        batchUnit: batchUnitOf(specification),
        parameters,
        batchSizes,
        learningRates,
        seeds,
        steps: batchSizes.map((batchSize) => grid.stepsFor(batchSize)),
        marks: batchSizes.map((batchSize) => grid.marksFor(batchSize)),
        cells: grid.cells,
        cellsKnown: this.#cellsKnown(specification, grid, checksum),
        order: plan.order,
        storeBytes: diskBytes,
        cost: calibration === null || seconds === null ? null : costOf(seconds, plan, workforce),
      },
    };
  }

  /** Returns the id of a job; the previews after it know the cost. */
  measure(text: string): string {
    const parsed = parseExperimentFile(text);
    if (!parsed.ok)
      throw new ApiError(
        'bad-argument',
        'The specification has problems: solve them before it is measured.',
        'text',
      );
    const { specification } = parsed;
    return this.#host.jobs.start(
      'measure',
      `Measuring this machine for "${specification.name}"`,
      async () => {
        const grid = expandGrid(specification);
        const { measurements } = await calibrate(specification, grid, this.#host.workforce());
        return `Measured ${measurements.length} stack shapes.`;
      },
      (error) => (error instanceof Error ? error.message : String(error)),
    );
  }

  #cellsKnown(specification: Specification, grid: Grid, checksum: string): number {
    const seeds = new Set(grid.seeds);
    const rates = new Set(grid.learningRates);
    return grid.batchSizes.reduce((sum, batchSize) => {
      const only = {
        ...grid,
        batchSizes: [batchSize],
        learningRates: grid.learningRates.slice(0, 1),
        seeds: grid.seeds.slice(0, 1),
      };
      const [configuration] = cellConfigurations(specification, only, checksum);
      const known = this.#host.store().trainedPoints(configuration);
      return (
        sum + known.filter(({ learningRate, seed }) => rates.has(learningRate) && seeds.has(seed)).length
      );
    }, 0);
  }

  #plan(
    specification: Specification,
    grid: Grid,
    calibration: Calibration | null,
    workforce: Workforce,
  ): Plan {
    const { batchSizes, learningRates, seeds } = grid;
    if (grid.cells > MOST_PLANNED) {
      const order = batchSizes.map((_, batch) => learningRates.map(() => batch));
      const largestStack = learningRates.length * seeds.length;
      return { order, stacks: batchSizes.length, largestStack, trainerBytes: TRAINER_BYTES };
    }
    const sizeOf = (batchSize: number) => {
      const need = stackNeed(specification, grid, batchSize, learningRates.length * seeds.length);
      if (specification.workload.kind === 'external') return 1;
      const measured = calibration === null ? TYPICAL_STACK : cellsPerStack(calibration, need, workforce);
      return Math.min(measured, this.#host.maxCellsPerStack());
    };
    const missing = batchSizes.flatMap((batchSize) =>
      learningRates.flatMap((learningRate) => seeds.map((seed) => ({ batchSize, learningRate, seed }))),
    );
    const plans = planStacks({ grid, missing, cellsPerStack: sizeOf, order: specification.order });
    const order = batchSizes.map(() => learningRates.map(() => Infinity));
    plans.forEach(({ batchSize, learningRates: rates }, place) => {
      const row = order[batchSizes.indexOf(batchSize)];
      for (const rate of rates) {
        const column = learningRates.indexOf(rate);
        row[column] = Math.min(row[column], place);
      }
    });
    const cells = (p: StackPlan) => p.learningRates.length * p.seeds.length;
    const largestStack = Math.max(...plans.map(cells));
    const trainerBytes = (p: StackPlan) =>
      calibration === null
        ? TRAINER_BYTES
        : stackBytes(calibration, stackNeed(specification, grid, p.batchSize, cells(p)), cells(p));
    return {
      order,
      stacks: plans.length,
      largestStack,
      trainerBytes: Math.max(...plans.map(trainerBytes)),
    };
  }
}

interface Plan {
  readonly order: number[][];
  readonly stacks: number;
  readonly largestStack: number;
  /** Of the trainer that needs most memory. */
  readonly trainerBytes: number;
}

function costOf(
  seconds: number,
  { stacks, largestStack, trainerBytes }: Plan,
  workforce: Workforce,
): DesignCost {
  const memoryBytes = trainerBytes * Math.min(workforce.trainers, stacks);
  return { seconds, stacks, largestStack, memoryBytes };
}

type ParsedDesign =
  | { readonly ok: true; readonly specification: Specification; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: DesignPreview['problems'] };

function parse(argument: CallArgument<'design.preview'>): ParsedDesign {
  const parsed = 'text' in argument ? parseExperimentFile(argument.text) : fromForm(argument.input);
  if (!parsed.ok)
    return {
      ok: false,
      problems: parsed.problems.map(({ field, line, message }) => ({ path: field, line, message })),
    };
  const relative = relativePaths(parsed.specification);
  if (relative.length > 0) return { ok: false, problems: relative };
  return parsed;
}

/** The form's value as a file would hold it, so that form and text have the same problems in the same words. */
function fromForm(input: unknown): ReturnType<typeof parseExperimentFile> {
  const parsed = parseExperimentFile(stringify(input, { aliasDuplicateObjects: false }));
  if (parsed.ok) return parsed;
  // Lines of a text that nobody sees.
  return { ok: false, problems: parsed.problems.map((problem) => ({ ...problem, line: null })) };
}

/** A text of a window lies in no folder, so its data files need their whole paths. */
function relativePaths({ workload }: Specification): DesignPreview['problems'] {
  if (workload.kind === 'external' && !isAbsolute(workload.folder))
    return [
      {
        path: 'workload.folder',
        line: null,
        message: 'must be the whole path of a folder, since this specification lies in none',
      },
    ];
  if (!('data' in workload)) return [];
  const members: [name: string, value: unknown][] = Object.entries(workload.data);
  return members
    .filter(
      ([name, value]) => dataPathFields.includes(name) && typeof value === 'string' && !isAbsolute(value),
    )
    .map(([name]) => ({
      path: `workload.data.${name}`,
      line: null,
      message: 'must be the whole path of a file, since this specification lies in no folder',
    }));
}
