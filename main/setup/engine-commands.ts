import { checkEngine } from './check-engine.ts';
import type { EngineReady, EngineReport } from './check-engine.ts';
import { installEngine } from './install-engine.ts';
import type { EngineVariant } from './platform.ts';
import type { OnProgress, SetupProgress } from './progress.ts';
import { SetupError } from './setup-error.ts';

/** Where a command writes; the defaults are this process's streams. */
export interface CommandStreams {
  out: (text: string) => void;
  error: (text: string) => void;
  /** Whether `error` is a terminal that can redraw a line. */
  isTerminal: boolean;
}

const processStreams: CommandStreams = {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
};

/** `surge engine check [--json]`: verifies and tries the engine. Exit code 0 when it works, else 1. */
export async function engineCheckCommand(
  options: { json?: boolean } = {},
  streams: CommandStreams = processStreams,
): Promise<number> {
  const report = await checkEngine({ verify: true });
  printReport(report, options.json ?? false, streams);
  return report.ok ? 0 : 1;
}

/** `surge engine install [--cuda | --cpu | --from DIR]`: progress to stderr, the report to stdout. Exit code 0, else 1. */
export async function engineInstallCommand(
  options: { cuda?: boolean; cpu?: boolean; from?: string; json?: boolean } = {},
  streams: CommandStreams = processStreams,
): Promise<number> {
  if (options.cuda === true && options.cpu === true) {
    streams.error('Choose one of --cuda and --cpu.\n');
    return 2;
  }
  const variant: EngineVariant | 'auto' =
    options.cuda === true ? 'cuda' : options.cpu === true ? 'cpu' : 'auto';
  const report = await installAndCheck(variant, options.from, streams);
  printReport(report, options.json ?? false, streams);
  return report.ok ? 0 : 1;
}

async function installAndCheck(
  variant: EngineVariant | 'auto',
  from: string | undefined,
  streams: CommandStreams,
): Promise<EngineReport> {
  const { onProgress, finish } = progressPrinter(streams);
  try {
    await installEngine({ variant, verify: true, onProgress, ...(from === undefined ? {} : { from }) });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return { ok: false, code: error.code, message: error.message, wayOut: error.wayOut };
  } finally {
    finish();
  }
  return checkEngine();
}

/**
 * Progress as text on `streams.error`: on a terminal one line that is redrawn, otherwise a line when a step begins and
 * every ten seconds.
 */
export function progressPrinter(streams: CommandStreams = processStreams): {
  onProgress: OnProgress;
  finish: () => void;
} {
  let lastStep = '';
  let lastTime = Number.NEGATIVE_INFINITY;
  let isLineOpen = false;
  const finish = (): void => {
    if (isLineOpen) streams.error('\n');
    isLineOpen = false;
  };
  const onProgress = (progress: SetupProgress): void => {
    const percent =
      progress.fraction === null || progress.step === 'done'
        ? ''
        : ` (${Math.floor(progress.fraction * 100)} %)`;
    const text = `${progress.message}${percent}`;
    if (streams.isTerminal) {
      if (progress.step !== lastStep) finish();
      streams.error(`\r\u001b[2K${text}`);
      isLineOpen = true;
    } else if (progress.step !== lastStep || performance.now() - lastTime > 10_000) {
      streams.error(`${text}\n`);
      lastTime = performance.now();
    }
    lastStep = progress.step;
  };
  return { onProgress, finish };
}

function printReport(report: EngineReport, isJson: boolean, streams: CommandStreams): void {
  if (isJson) {
    streams.out(`${JSON.stringify(report, null, 2)}\n`);
  } else if (report.ok) {
    streams.out(describeEngine(report));
  } else {
    streams.error(`${report.message}\n${report.wayOut}\n`);
  }
}

/** The report as lines of text. */
export function describeEngine(report: EngineReady): string {
  const sources = { cache: 'fetched', python: 'Python package', folder: 'given folder' };
  const lines = [
    `The engine works (${report.milliseconds} ms to load and multiply).`,
    `  device      ${report.isGpu ? 'GPU' : 'CPU'}: ${report.device}`,
    `  TensorFlow  ${report.tensorflow} ${report.variant} (${sources[report.source]}: ${report.libraryFolder})`,
    `  addon       TensorFlow.js ${report.tfjs}, Node ${report.node}`,
    `  threads     ${report.threads}`,
    ...report.warnings.map((warning) => `  note        ${warning}`),
  ];
  return `${lines.join('\n')}\n`;
}
