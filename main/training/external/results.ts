/** What an external program reports, put in the order of the spool: whole curves from the first point on. */
import type { ExternalWorkload } from '#shared/experiment/external.ts';
import { parseNumber } from '#shared/import/numbers.ts';
import type { Metric } from '#shared/experiment/stack.ts';

/** Where points go; SpoolWriter.add. */
type Add = (metric: Metric, first: number, points: number, values: Float32Array) => void;

export interface Divergence {
  readonly step: number;
  /** In words; '' for a loss that is not finite, which the store says itself. */
  readonly reason: string;
}

export interface ResultOptions {
  readonly names: ExternalWorkload['metrics'];
  readonly divergesAbove: number;
  readonly steps: number;
  readonly marks: readonly number[];
  readonly recordTrainingLoss: boolean;
}

interface Series {
  readonly metric: Metric;
  readonly name: string;
  readonly points: number;
  /** The point that belongs to a step; undefined when none does. */
  readonly pointOf: (step: number) => number | undefined;
  readonly stepOf: (point: number) => number;
  /** Point → value, for points behind a gap. */
  readonly waiting: Map<number, number>;
  /** Points already in the spool. */
  written: number;
  /** Whether the program reports it at all, be it at steps that are no points. */
  isReported: boolean;
}

/** Reports may come in any order and more than once: the first value of a step counts. */
export class Results {
  readonly #options: ResultOptions;
  readonly #add: Add;
  readonly #series: readonly Series[];
  #reports = 0;
  #lastStep = 0;
  #outside = 0;
  #repeated = 0;
  #unreadable = 0;
  #startsAtZero = false;
  #divergence: Divergence | null = null;

  constructor(options: ResultOptions, add: Add) {
    const { names, marks, steps } = options;
    const series = (metric: Metric, name: string, stepsOfPoints: readonly number[] | null): Series => {
      const pointOf = new Map(stepsOfPoints?.map((step, point) => [step, point]));
      return {
        metric,
        name,
        points: stepsOfPoints?.length ?? steps,
        pointOf: stepsOfPoints === null ? (step) => step - 1 : (step) => pointOf.get(step),
        stepOf: stepsOfPoints === null ? (point) => point + 1 : (point) => stepsOfPoints[point],
        waiting: new Map(),
        written: 0,
        isReported: false,
      };
    };
    this.#options = options;
    this.#add = add;
    this.#series = [
      series('trainingLoss', names.trainingLoss, null),
      series('evaluationLoss', names.evaluationLoss, marks),
      series('evaluationAccuracy', names.evaluationAccuracy, marks),
    ];
  }

  /** Reports that named a step and at least one metric. */
  get reports(): number {
    return this.#reports;
  }

  /** Largest step within the cell's length that was reported. */
  get lastStep(): number {
    return this.#lastStep;
  }

  get divergence(): Divergence | null {
    return this.#divergence;
  }

  /**
   * One report; `valueOf` has the text of a named value. Returns whether it was one at all: without a step or without
   * any of the metrics it is not.
   */
  take(valueOf: (name: string) => string | undefined): boolean {
    const step = parseNumber(valueOf(this.#options.names.step));
    if (step.kind !== 'number') return false;
    const named = this.#series.filter(({ name }) => valueOf(name) !== undefined);
    if (named.length === 0) return false;
    this.#reports++;
    const { steps } = this.#options;
    if (!Number.isInteger(step.value) || step.value < 1 || step.value > steps) {
      this.#outside++;
      this.#startsAtZero ||= step.value === 0;
      return true;
    }
    // The program is ended at a divergence; what it could still say until then must not depend on how fast that was.
    if (this.#divergence !== null && step.value > this.#divergence.step) return true;
    this.#lastStep = Math.max(this.#lastStep, step.value);
    for (const series of named) this.#takeValue(series, step.value, valueOf(series.name));
    return true;
  }

  #takeValue(series: Series, step: number, text: string | undefined): void {
    const parsed = parseNumber(text);
    // An empty field says that there is no value at this step.
    if (parsed.kind === 'empty') return;
    if (parsed.kind === 'text') {
      this.#unreadable++;
      return;
    }
    series.isReported = true;
    if (series.metric !== 'evaluationAccuracy') this.#noteDivergence(series, step, parsed.value);
    const point = series.pointOf(step);
    if (point === undefined) return;
    if (point < series.written || series.waiting.has(point)) {
      this.#repeated++;
      return;
    }
    if (series.metric === 'trainingLoss' && !this.#options.recordTrainingLoss) return;
    series.waiting.set(point, parsed.value);
    this.#write(series);
  }

  #noteDivergence({ name }: Series, step: number, value: number): void {
    if (Number.isFinite(value) && value <= this.#options.divergesAbove) return;
    if (this.#divergence !== null && this.#divergence.step <= step) return;
    const reason = Number.isFinite(value)
      ? `loss above ${this.#options.divergesAbove} at step ${step} (${name} was ${value})`
      : '';
    this.#divergence = { step, reason };
  }

  /** A curve has no holes: its points are written as far as they are there without a gap. */
  #write(series: Series): void {
    const first = series.written;
    const values: number[] = [];
    for (let value = series.waiting.get(first); value !== undefined;) {
      values.push(value);
      series.waiting.delete(series.written++);
      value = series.waiting.get(series.written);
    }
    if (values.length > 0) this.#add(series.metric, first, values.length, Float32Array.from(values));
  }

  /** What a person should know about the reports, one sentence each; asked for at the end. */
  notices(): string[] {
    const notices: string[] = [];
    const { steps, recordTrainingLoss } = this.#options;
    const end = this.#divergence?.step ?? steps;
    for (const series of this.#series) {
      const isTraining = series.metric === 'trainingLoss';
      if (!series.isReported || (isTraining && !recordTrainingLoss)) continue;
      let expected = series.points;
      while (expected > 0 && series.stepOf(expected - 1) > end) expected--;
      const missing = expected - series.written - series.waiting.size;
      if (missing <= 0) continue;
      const examples: number[] = [];
      for (let point = series.written; point < expected && examples.length < SHOWN; point++)
        if (!series.waiting.has(point)) examples.push(series.stepOf(point));
      const shown = examples.join(', ') + (missing > examples.length ? ', …' : '');
      notices.push(
        `${series.name} was not reported at ${missing} of ${expected} ${isTraining ? 'steps' : 'marks'} (${shown}): its curve ends before the first of them${isTraining ? '' : '; report it at exactly these steps, or set marks to the steps that the program reports'}`,
      );
    }
    const evaluation = this.#series[1];
    if (!evaluation.isReported && this.#reports > 0)
      notices.push(
        `${evaluation.name} was never reported, and ridge and figures compare nothing else: report it at the marks, or say with metrics.evaluationLoss how the program calls it`,
      );
    if (this.#outside > 0)
      notices.push(
        `${this.#outside} reports were at no step from 1 to ${steps} and were left out${this.#startsAtZero ? ' (step 0 among them: steps are counted from 1)' : ''}`,
      );
    if (this.#repeated > 0)
      notices.push(`${this.#repeated} values came again for a step that had one; the first counts`);
    if (this.#unreadable > 0) notices.push(`${this.#unreadable} values were no numbers and were left out`);
    return notices;
  }

  /** Why the reports do not make a whole cell; null when they do. */
  shortfall(): string | null {
    const { steps, names } = this.#options;
    if (this.#reports === 0)
      return `it reported no results: nothing had ${names.step} and one of ${names.trainingLoss}, ${names.evaluationLoss}, ${names.evaluationAccuracy}`;
    if (this.#lastStep === 0)
      return `it reported nothing at a step from 1 to ${steps}${this.#startsAtZero ? ' (steps are counted from 1)' : ''}`;
    if (this.#lastStep < steps)
      return `its last report was at step ${this.#lastStep} of ${steps}${this.#startsAtZero ? ' (step 0 was reported: steps are counted from 1)' : ''}`;
    return null;
  }
}

/** Steps that a notice lists. */
const SHOWN = 8;
