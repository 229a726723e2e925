import type { Command } from 'commander';
import { batchUnitOf } from '#shared/experiment/batch-unit.ts';
import { cellStates } from '#shared/experiment/stack.ts';
import type { CellState } from '#shared/experiment/stack.ts';
import { describeReport } from '#shared/import/report.ts';
import { isAlive } from '#main/lab/scheduler/processes.ts';
import type {
  Cell,
  ExperimentSummary,
  ImportedSource,
  ReadableStore,
  Stack,
  StateCounts,
} from '#main/lab/store/types.ts';
import { withReader } from '../store-access.ts';
import { bytes, count, learningRate, localTime, print, printJson, table } from '../terminal.ts';
import { withJson, withStore } from './options.ts';

export function addStatus(program: Command): void {
  withJson(withStore(program.command('list').description('all experiments of a store')))
    .option('--archived', 'archived experiments too')
    .action((options: { store?: string; json?: boolean; archived?: boolean }) =>
      withReader(options, (store) => {
        const experiments = store.experiments(options.archived === true ? {} : { archived: false });
        if (options.json === true) printJson({ experiments: experiments.map(summaryJson) });
        else if (experiments.length === 0)
          print('No experiments yet: surge run FILE starts one, surge demo shows one.');
        else
          print(
            table(
              ['key', 'name', 'state', 'cells>', 'done>', 'created'],
              experiments.map((e) => [
                e.key,
                e.name,
                e.imported === null ? overallState(e) : 'imported',
                String(e.cells),
                String(e.counts.done + e.counts.diverged),
                localTime(e.createdAt),
              ]),
            ),
          );
      }),
    );

  withJson(
    withStore(program.command('status <experiment>').description('cells by state, with reasons')),
  ).action((name: string, options: { store?: string; json?: boolean }) =>
    withReader(options, (store) => {
      const experiment = store.experiment(name);
      const cells = store.cells(experiment.id);
      const abandoned = abandonedStacks(store.stacks(experiment.id));
      if (options.json === true)
        printJson({
          ...summaryJson(experiment),
          abandonedStacks: abandoned,
          reasons: reasons(cells),
          cellStates: cells.map(cellJson),
        });
      else {
        printStatus(experiment, cells);
        if (abandoned > 0)
          print(
            `${count(abandoned, 'stack')} of the running cells ended without a word, with the process that ran this sweep: surge resume ${experiment.key} continues.`,
          );
      }
    }),
  );

  withJson(
    withStore(
      program.command('show <experiment>').description('the specification, stacks, provenance and events'),
    ),
  ).action((name: string, options: { store?: string; json?: boolean }) =>
    withReader(options, (store) => {
      const experiment = store.experiment(name);
      const stacks = store.stacks(experiment.id);
      const events = store.events(experiment.id);
      if (options.json === true)
        printJson({
          ...summaryJson(experiment),
          specification: experiment.specification,
          imported: experiment.imported,
          stacks,
          events,
        });
      else printDetails(experiment, store);
    }),
  );
}

/** The state of a whole sweep, computed from its cells. */
export function overallState(experiment: ExperimentSummary): string {
  const { counts, cells, hold } = experiment;
  if (counts.running > 0) return 'running';
  if (counts.done + counts.diverged === cells) return 'complete';
  if (hold !== null) return 'held';
  if (counts.interrupted > 0) return 'interrupted';
  if (counts.planned > 0) return counts.planned === cells ? 'planned' : 'incomplete';
  return 'failures';
}

/** Stacks that were being trained when their lab was killed: nobody has written down yet that they ended. */
function abandonedStacks(stacks: readonly Stack[]): number {
  return stacks.filter((s) => s.state === 'running' && (s.process === null || !isAlive(s.process))).length;
}

function summaryJson(experiment: ExperimentSummary) {
  const { key, name, createdAt, archived, hold, cells, counts, imported } = experiment;
  const source =
    imported === null ? null : { import: imported.key, file: imported.file, label: imported.label };
  return {
    key,
    name,
    state: overallState(experiment),
    createdAt,
    archived,
    hold,
    cells,
    counts,
    imported: source,
  };
}

function cellJson({ key, configuration, state, reason, divergedAt, stepsDone, stack }: Cell) {
  const { batchSize, learningRate: rate, seed, steps } = configuration;
  return { key, batchSize, learningRate: rate, seed, state, reason, divergedAt, stepsDone, steps, stack };
}

/** Each reason that cells give for a state, with their number. */
function reasons(cells: readonly Cell[]): { state: CellState; reason: string; cells: number }[] {
  const counted = new Map<string, { state: CellState; reason: string; cells: number }>();
  for (const { state, reason } of cells) {
    if (reason === '' || state === 'done' || state === 'diverged') continue;
    const key = `${state} ${reason}`;
    const entry = counted.get(key) ?? { state, reason, cells: 0 };
    entry.cells++;
    counted.set(key, entry);
  }
  return [...counted.values()].sort((a, b) => b.cells - a.cells);
}

const glyphs: Readonly<Record<CellState, string>> = {
  planned: '·',
  running: '▸',
  done: '■',
  diverged: '×',
  'out-of-memory': 'M',
  interrupted: '‖',
  failed: '!',
};

function countsLine(counts: StateCounts): string {
  return cellStates
    .filter((state) => counts[state] > 0)
    .map((state) => `${counts[state]} ${state}`)
    .join(', ');
}

/** One glyph a (learning rate, batch size); where seeds differ, the state that most needs a look. */
const urgency: readonly CellState[] = [
  'failed',
  'out-of-memory',
  'interrupted',
  'diverged',
  'running',
  'planned',
  'done',
];

function printStatus(experiment: ExperimentSummary, cells: readonly Cell[]): void {
  print(
    `${experiment.name} (${experiment.key}): ${overallState(experiment)}, ${count(experiment.cells, 'cell')}: ${countsLine(experiment.counts)}`,
  );
  if (experiment.hold !== null) print(`held: ${experiment.hold.reason}`);
  printBatchUnit(experiment);
  const ascending = (a: number, b: number) => a - b;
  const batchSizes = [...new Set(cells.map((c) => c.configuration.batchSize))].sort(ascending);
  const rates = [...new Set(cells.map((c) => c.configuration.learningRate))].sort(ascending).reverse();
  const states = new Map<string, CellState>();
  for (const { configuration, state } of cells) {
    const at = `${configuration.batchSize} ${configuration.learningRate}`;
    const other = states.get(at);
    if (other === undefined || urgency.indexOf(state) < urgency.indexOf(other)) states.set(at, state);
  }
  print(
    table(
      ['learning rate>', ...batchSizes.map((b) => `B=${b}>`)],
      rates.map((rate) => [
        Number.isNaN(rate) ? '–' : learningRate(rate),
        ...batchSizes.map((b) => {
          const state = states.get(`${b} ${rate}`);
          return state === undefined ? ' ' : glyphs[state];
        }),
      ]),
    ),
  );
  print(cellStates.map((state) => `${glyphs[state]} ${state}`).join('  '));
  for (const { state, reason, cells: number } of reasons(cells)) print(`${number} ${state}: ${reason}`);
}

function printBatchUnit({ specification }: ExperimentSummary): void {
  if (specification !== null) print(`a batch counts ${batchUnitOf(specification)}`);
}

function printSource(source: ImportedSource): void {
  const { file, bytes: size, checksum, mapping, report, label, batchUnit, goal, analyses } = source;
  print(`imported from ${file} (${bytes(size)}, SHA-256 ${checksum}), ${label}`);
  print(`batch sizes in ${batchUnit}; the loss is ${mapping.columns.loss ?? 'not given'}, to ${goal}`);
  for (const { analysis, possible, reason } of analyses)
    print(`${possible ? analysis : `no ${analysis}`}: ${reason}`);
  for (const line of describeReport(report)) print(line);
  print(JSON.stringify(mapping, null, 2));
}

function printDetails(experiment: ExperimentSummary, store: ReadableStore): void {
  print(`${experiment.name} (${experiment.key}), created ${localTime(experiment.createdAt)}`);
  print(`${overallState(experiment)}: ${countsLine(experiment.counts)}`);
  printBatchUnit(experiment);
  const { imported } = experiment;
  if (imported === null) print(JSON.stringify(experiment.specification, null, 2));
  else printSource(imported);
  const stacks = store.stacks(experiment.id);
  if (stacks.length > 0)
    print(
      table(
        [
          'stack',
          'B>',
          'learning rates>',
          'seeds>',
          'state',
          'steps>',
          'train s>',
          'evaluate s>',
          'compile s>',
          'memory MB>',
          'engine',
          'threads>',
        ],
        stacks.map((s) => [
          s.key,
          String(s.batchSize),
          String(s.learningRates.length),
          String(s.seeds.length),
          s.state,
          `${s.stepsDone}/${s.steps}`,
          (s.trainMilliseconds / 1e3).toFixed(2),
          (s.evaluateMilliseconds / 1e3).toFixed(2),
          (s.compileMilliseconds / 1e3).toFixed(2),
          (s.peakResidentBytes / 1e6).toFixed(0),
          s.engine === null ? '' : `${s.engine.backend} ${s.engine.device} ${s.engine.tensorflow}`,
          String(s.threads),
        ]),
      ),
    );
  for (const event of store.events(experiment.id))
    print(`${localTime(event.time)}  ${event.kind}: ${event.message}`);
}
