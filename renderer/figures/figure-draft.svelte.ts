/** A figure being set up: its specification, and the lab's drawing of it. */
import type { LabClient } from '#shared/api/client.ts';
import type { CallArgument } from '#shared/api/contract.ts';
import { ApiError } from '#shared/api/errors.ts';
import type { FigureFile } from '#shared/api/types.ts';
import { messageOf } from '#renderer/app/notices.svelte.ts';
import type { Editable } from '#renderer/form/editable.ts';
import { pathText, valueAt, withValue, type Path } from '#renderer/form/tree.ts';

type Request = CallArgument<'figures.render'>;
type Specification = Request['specification'];

const PAUSE = 250;
/** Enough for a screen with two pixels for one. */
const PREVIEW_DOTS_PER_INCH = 192;

export class FigureDraft implements Editable {
  specification: Specification = $state.raw({ kind: 'ridge' });
  experiments: readonly string[] = $state.raw([]);
  preset = $state('nature-89');
  dotsPerInch = $state(300);
  /** Address of the drawn picture; null while there is none. */
  picture: string | null = $state(null);
  problem: { readonly path: string; readonly message: string } | null = $state.raw(null);
  isDrawing = $state(false);
  readonly #client: LabClient;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(client: LabClient) {
    this.#client = client;
  }

  get(path: Path): unknown {
    return valueAt(this.specification, path);
  }

  set(path: Path, value: unknown): void {
    this.specification = withValue(this.specification, path, value) as Specification;
    this.drawSoon();
  }

  problemAt(path: Path, inside = true): string {
    const field = pathText(path);
    const { path: at, message } = this.problem ?? { path: '', message: '' };
    return field !== '' &&
      (at === field || (inside && (at.startsWith(`${field}.`) || at.startsWith(`${field}[`))))
      ? message
      : '';
  }

  drawSoon(): void {
    clearTimeout(this.#timer);
    this.#asked++;
    this.#timer = setTimeout(() => void this.draw(), PAUSE);
  }

  async draw(): Promise<void> {
    if (this.experiments.length === 0) return;
    const asked = ++this.#asked;
    this.isDrawing = true;
    try {
      const files = await this.#render(['png'], PREVIEW_DOTS_PER_INCH);
      if (asked !== this.#asked) return;
      this.#show(files);
      this.problem = null;
    } catch (error) {
      if (asked !== this.#asked) return;
      this.problem = { path: error instanceof ApiError ? error.path : '', message: messageOf(error) };
    } finally {
      if (asked === this.#asked) this.isDrawing = false;
    }
  }

  /** One format as a file. Throws ApiError. */
  file(format: Request['formats'][number]): Promise<readonly FigureFile[]> {
    return this.#render([format], this.dotsPerInch);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#asked++;
    if (this.picture !== null) URL.revokeObjectURL(this.picture);
  }

  #render(formats: Request['formats'], dotsPerInch: number): Promise<FigureFile[]> {
    const named: Specification =
      this.specification.kind === 'compare'
        ? { experiments: [...this.experiments] }
        : { experiment: this.experiments[0] };
    return this.#client.call('figures.render', {
      experiments: [...this.experiments],
      specification: { ...this.specification, ...named },
      formats,
      preset: this.preset,
      dotsPerInch,
    });
  }

  #show(files: readonly FigureFile[]): void {
    const png = files.find(({ mediaType }) => mediaType === 'image/png');
    const before = this.picture;
    this.picture =
      png === undefined
        ? null
        : URL.createObjectURL(new Blob([new Uint8Array(png.bytes)], { type: 'image/png' }));
    if (before !== null) URL.revokeObjectURL(before);
  }
}

/** Gives a file to the person, as the browser does with what is downloaded. */
export function save({ name, mediaType, bytes }: FigureFile): void {
  const address = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: mediaType }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
