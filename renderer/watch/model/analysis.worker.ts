/** The shell around the analysis desk: one piece of work, then whatever has arrived meanwhile. */
import type { AnalysisAnswer, AnalysisRequest } from './analysis-desk.ts';
import { AnalysisDesk } from './analysis-desk.ts';

const desk = new AnalysisDesk();
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<AnalysisRequest>) => void) | null;
  postMessage(answer: AnalysisAnswer): void;
};

/** Data that come in all the time must not take a processor from the training: work a third of the time then. */
const LIVE_FOR_MS = 5_000;
const PATIENCE = 2;

let lastDelta = -Infinity;
let timer: ReturnType<typeof setTimeout> | null = null;

function work(): void {
  timer = null;
  const start = performance.now();
  const answer = desk.next();
  if (answer === null) return;
  scope.postMessage(answer);
  const now = performance.now();
  timer = setTimeout(work, now - lastDelta < LIVE_FOR_MS ? PATIENCE * (now - start) : 0);
}

scope.onmessage = ({ data }) => {
  desk.take(data);
  if (data.kind === 'delta') lastDelta = performance.now();
  // A question is answered at once, whatever pause was due.
  if ((data.kind === 'ask' || data.kind === 'move') && timer !== null) {
    clearTimeout(timer);
    timer = null;
  }
  timer ??= setTimeout(work, 0);
};
