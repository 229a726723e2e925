/** One specification being written, as form and as text. What is typed stays; what was understood flows to the other. */
import type { LabClient } from '#shared/api/client.ts';
import type { DesignPreview } from '#shared/api/types.ts';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import type { Editable } from '#renderer/form/editable.ts';
import { pathText, valueAt, withValue, type Path } from '#renderer/form/tree.ts';

const PAUSE = 180;
/** A text that was being written survives closing the window. */
const REMEMBERED = 'surge.design';

type Design = NonNullable<DesignPreview['design']>;

export class Draft implements Editable {
  /** What the form shows: a specification, as far as it has been filled in. */
  input: unknown = $state.raw({});
  text = $state('');
  /** Where the last change was typed. */
  source: 'form' | 'text' = $state('form');
  preview: DesignPreview | null = $state.raw(null);
  /** The last one without problems, for the picture while something is being corrected. */
  design: Design | null = $state.raw(null);
  /** An answer is under way. */
  isChecking = $state(false);
  /** Where this design comes from, in a sentence. */
  origin = $state('');
  readonly problems = $derived(this.preview?.problems ?? []);
  readonly #client: LabClient;
  readonly #onFailure: (error: unknown) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(client: LabClient, onFailure: (error: unknown) => void) {
    this.#client = client;
    this.#onFailure = onFailure;
  }

  static remembered(): string | null {
    return localStorage.getItem(REMEMBERED);
  }

  static forget(): void {
    localStorage.removeItem(REMEMBERED);
  }

  get(path: Path): unknown {
    return valueAt(this.input, path);
  }

  set(path: Path, value: unknown): void {
    this.input = withValue(this.input, path, value);
    this.source = 'form';
    this.#soon();
  }

  setText(text: string): void {
    this.text = text;
    this.source = 'text';
    this.#soon();
  }

  /** Replaces everything; resolves when it has been checked. */
  async load(text: string, origin = ''): Promise<void> {
    this.origin = origin;
    this.text = text;
    this.source = 'text';
    await this.check();
  }

  /** The problem of a field, or of what is inside it. */
  problemAt(path: Path, inside = true): string {
    const field = pathText(path);
    const found = this.problems.find(
      (problem) =>
        problem.path === field ||
        (inside && (problem.path.startsWith(`${field}.`) || problem.path.startsWith(`${field}[`))),
    );
    if (found === undefined) return '';
    const place = /\[(\d+)\]$/.exec(found.path)?.[1];
    return place === undefined || found.path === field
      ? found.message
      : `entry ${Number(place) + 1}: ${found.message}`;
  }

  async check(): Promise<void> {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    const { source } = this;
    this.isChecking = true;
    try {
      const preview = await this.#client.call(
        'design.preview',
        source === 'text' ? { text: this.text } : { input: this.input as SpecificationInput },
      );
      // Something else was typed meanwhile: its own answer follows.
      if (asked !== this.#asked) return;
      this.preview = preview;
      if (preview.design === null) return;
      this.design = preview.design;
      if (source === 'form') this.text = preview.design.text;
      else this.input = preview.design.input;
      localStorage.setItem(REMEMBERED, this.text);
    } catch (error) {
      if (asked === this.#asked) this.#onFailure(error);
    } finally {
      if (asked === this.#asked) this.isChecking = false;
    }
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#asked++;
    this.isChecking = true;
    this.#timer = setTimeout(() => void this.check(), PAUSE);
  }
}
