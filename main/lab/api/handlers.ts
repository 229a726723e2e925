/** What each call of the contract does, for one window. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ParsedArgument } from '#shared/api/contract.ts';
import { ApiError } from '#shared/api/errors.ts';
import type { StoredPrediction } from '#shared/api/types.ts';
import { parseExperimentFile } from '#shared/experiment/file.ts';
import { IMPORT_PRESETS } from '#shared/import/presets.ts';
import { installEngine } from '#main/setup/install-engine.ts';
import type { Lab } from '../lab.ts';
import { requireEngine } from '../lab.ts';
import { refinedText } from '../refinement.ts';
import { forgetMeasuredSpeeds } from '../scheduler/measured-speeds.ts';
import { hasSlurm } from '../slurm/queue.ts';
import { templateNames } from '../slurm/templates.ts';
import type { StoredPrediction as Prediction } from '../store/types.ts';
import { about } from './about.ts';
import { toApiError } from './api-errors.ts';
import { backUp, restore } from './backups.ts';
import { detailOf } from './cards.ts';
import { proposedFolder } from './cluster.ts';
import { cellDetail, trainingLoss } from './cell-detail.ts';
import type { Handlers } from './dispatch.ts';
import { keepFigure, keptFigure, redrawFigures } from './kept-figures.ts';
import type { Session } from './session.ts';

const EXAMPLES = fileURLToPath(new URL('../../../resources/experiments/', import.meta.url));
const DEMO = 'digits-sign.yaml';
/** Examples to begin with stand before the others. */
const FIRST_EXAMPLES = ['quick-look', 'fine-ridge', 'digits-sign', 'digits-adam'];

export function createHandlers(lab: Lab, session: Session): Handlers {
  const find = (key: string) => lab.find(key);
  const draw = (argument: ParsedArgument<'figures.render'>) => lab.drawings.draw('figure', argument);
  return {
    'experiments.list': ({ archived }) => lab.cards(archived),
    'experiments.get': ({ experiment }) => {
      const found = find(experiment);
      return detailOf(lab.store, found, lab.card(found));
    },
    'experiments.create': async ({ text, start }) => {
      const { experiment, isNew } = await lab.create(text);
      if (start) lab.start(experiment);
      return { experiment: experiment.key, isNew };
    },
    'experiments.createDemo': async () => {
      requireEngine();
      const { experiment, isNew } = await lab.create(readFileSync(join(EXAMPLES, DEMO), 'utf8'));
      if (experiment.counts.done + experiment.counts.diverged < experiment.cells) lab.start(experiment);
      return { experiment: experiment.key, isNew };
    },
    'experiments.annotate': ({ experiment, ...changes }) => {
      lab.writer().annotate(find(experiment).id, changes);
      lab.experimentsChanged([experiment]);
      return null;
    },
    'experiments.archive': ({ experiment, archived }) => {
      lab.writer().archive(find(experiment).id, archived);
      lab.experimentsChanged([experiment]);
      return null;
    },
    'experiments.delete': ({ experiment }) => {
      lab.remove(find(experiment));
      return null;
    },
    'experiments.refine': ({ experiment, step }) => refinedText(lab.store, find(experiment), step),

    'training.start': ({ experiment }) => {
      lab.start(find(experiment));
      return null;
    },
    'training.pause': ({ experiment }) => {
      lab.pause(find(experiment));
      return null;
    },
    'training.rerunFailed': ({ experiment }) => {
      const found = find(experiment);
      if (lab.activityOf(experiment) === 'running')
        throw new ApiError(
          'not-possible',
          `"${found.name}" is being trained: pause it first, or wait for its end.`,
        );
      lab.cluster.refuse(found, 'trained here');
      requireEngine();
      const cells = lab.writer().resetCells(found.id, ['failed', 'out-of-memory']);
      if (cells > 0) lab.start(found);
      return { cells };
    },
    'training.queue': () => lab.queueState(),

    'slurm.about': () => ({
      available: hasSlurm(),
      templates: templateNames(),
      folder: proposedFolder(lab.store.file),
    }),
    'slurm.submit': ({ experiment, ...options }) => {
      const found = find(experiment);
      if (found.imported !== null)
        throw new ApiError('not-possible', `"${found.name}" was imported: it was trained elsewhere.`);
      if (lab.activityOf(experiment) !== null)
        throw new ApiError(
          'not-possible',
          `"${found.name}" is trained here: pause it before it is submitted.`,
        );
      return lab.cluster.submit(found, options);
    },
    'slurm.state': ({ experiment }) => lab.cluster.state(find(experiment)),
    'slurm.resubmit': async ({ experiment }) => ({
      tasks: await lab.cluster.resubmit(find(experiment), undefined),
    }),
    'slurm.cancel': async ({ experiment }) => ({ jobs: await lab.cluster.cancel(find(experiment)) }),

    'watch.open': ({ experiment, metric, cursor }) => session.openWatch(find(experiment).key, metric, cursor),
    'watch.close': ({ experiment, metric }) => {
      session.closeWatch(experiment, metric);
      return null;
    },
    'cells.detail': ({ experiment, cell }) => {
      const found = find(experiment);
      return cellDetail(lab.store, found, cell, (stack) => lab.cluster.taskOf(found, stack));
    },
    'cells.trainingLoss': ({ experiment, cells }) => trainingLoss(lab.store, find(experiment), cells),
    'predictions.list': ({ experiment }) => lab.store.predictions(find(experiment).id).map(predictionOf),

    'design.examples': () => examples(),
    'design.preview': (argument) => lab.design.preview(argument),
    'design.measure': ({ text }) => ({ job: lab.design.measure(text) }),

    'figures.render': (argument) => {
      for (const experiment of argument.experiments) find(experiment);
      return draw(argument);
    },

    'figures.list': ({ experiment }) => lab.store.figures(find(experiment).id).map(keptFigure),
    'figures.keep': async (argument) => {
      const [owner] = argument.experiments.map(find);
      const kept = await keepFigure(() => lab.writer(), owner, argument, draw);
      lab.experimentsChanged([owner.key]);
      return kept;
    },
    'figures.forget': ({ experiment, name }) => {
      const owner = find(experiment);
      lab.writer().keepFigure(owner.id, name, null);
      lab.experimentsChanged([owner.key]);
      return null;
    },
    'figures.redraw': ({ experiment }) => redrawFigures(() => lab.writer(), find(experiment), draw),

    'upload.begin': ({ name, bytes }) => ({ upload: lab.uploads.begin(session, name, bytes) }),
    'upload.append': ({ upload, offset, bytes }) => ({
      bytes: lab.uploads.append(session, upload, offset, bytes),
    }),
    'import.preview': ({ upload, preset, map }) =>
      lab.imports.preview(lab.uploads.file(session, upload), { preset, map }),
    'import.store': ({ upload, name, preset, map }) =>
      lab.imports.store(lab.uploads.file(session, upload), name, { preset, map }),
    'import.presets': () => IMPORT_PRESETS.map(({ name, title }) => ({ name, title })),

    'lab.about': () => about(lab),
    'settings.set': (changes) => lab.changeSettings(changes),
    'engine.check': () => lab.checkEngine(),
    'engine.install': ({ device }) => ({
      job: lab.jobs.start(
        'engine-install',
        'Installing the engine',
        async (report, signal) => {
          const { version, variant } = await installEngine({
            variant: device,
            signal,
            onProgress: ({ message, fraction }) => report(message, fraction),
          });
          await lab.checkEngine();
          return `TensorFlow ${version} (${variant}) is ready.`;
        },
        (error) => toApiError(error, lab.options.file).message,
      ),
    }),
    'speeds.forget': () => forgetMeasuredSpeeds(),
    'store.backup': () => backUp(lab),
    'store.restore': ({ backup }) => restore(lab, backup),
  };
}

interface Example {
  readonly name: string;
  readonly title: string;
  readonly text: string;
}

let known: Example[] | null = null;

/** They come with the product and do not change while it runs. */
function examples(): Example[] {
  const names = readdirSync(EXAMPLES)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();
  known ??= [...new Set([...FIRST_EXAMPLES, ...names])].map((name) => {
    const text = readFileSync(join(EXAMPLES, `${name}.yaml`), 'utf8');
    const parsed = parseExperimentFile(text);
    return { name, title: parsed.ok ? parsed.specification.name : name, text };
  });
  return known;
}

function predictionOf({ createdAt, point, bPeak, bNoise }: Prediction): StoredPrediction {
  const interval = bPeak?.batchSize.interval ?? null;
  return {
    createdAt,
    batchSize: point.batchSize,
    learningRate: point.learningRate,
    seed: point.seed,
    step: point.step,
    peakBatchSize: bPeak?.batchSize.value ?? null,
    peakInterval: interval === null ? null : [interval.low, interval.high],
    noiseScale: bNoise?.value ?? null,
    noiseScaleError: bNoise?.standardError ?? null,
  };
}
