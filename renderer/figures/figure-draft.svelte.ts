/** A figure being set up: its specification, and the lab's drawing of it. */
import type { LabClient } from '#shared/api/client.ts';
import type { CallArgument } from '#shared/api/contract.ts';
import { ApiError } from '#shared/api/errors.ts';
import type { FigureFile, KeptFigure } from '#shared/api/types.ts';
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
  /** What the one who makes the figure should know of it: colors that are hard to tell apart, empty panels. */
  warnings: readonly string[] = $state.raw([]);
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
      const files = await this.#render(['png', 'json'], PREVIEW_DOTS_PER_INCH);
      if (asked !== this.#asked) return;
      this.#show(files);
      this.warnings = warningsIn(files);
      this.problem = null;
    } catch (error) {
      if (asked !== this.#asked) return;
      this.problem = { path: error instanceof ApiError ? error.path : '', message: messageOf(error) };
      this.warnings = [];
    } finally {
      if (asked === this.#asked) this.isDrawing = false;
    }
  }

  /** One format as a file. Throws ApiError. */
  file(format: Request['formats'][number]): Promise<readonly FigureFile[]> {
    return this.#render([format], this.dotsPerInch);
  }

  /** Keeps it with its first experiment, in the place of the figure of that name. Throws ApiError. */
  keep(name: string): Promise<KeptFigure> {
    return this.#client.call('figures.keep', {
      name,
      experiments: [...this.experiments],
      specification: this.#named(),
      preset: this.preset,
    });
  }

  /** Goes on with a kept figure. */
  take({ specification, preset, experiments }: KeptFigure): void {
    const { experiment: _one, experiments: _several, ...options } = specification as Specification;
    this.specification = options;
    this.preset = preset;
    this.experiments = [...experiments];
    this.drawSoon();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#asked++;
    if (this.picture !== null) URL.revokeObjectURL(this.picture);
  }

  /** The specification with the experiments in it. */
  #named(): Specification {
    const named: Specification =
      this.specification.kind === 'compare'
        ? { experiments: [...this.experiments] }
        : { experiment: this.experiments[0] };
    return { ...this.specification, ...named };
  }

  #render(formats: Request['formats'], dotsPerInch: number): Promise<FigureFile[]> {
    return this.#client.call('figures.render', {
      experiments: [...this.experiments],
      specification: this.#named(),
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

/** Of the manifest: the figure's own, and those of the check of colors. */
function warningsIn(files: readonly FigureFile[]): readonly string[] {
  const manifest = files.find(({ mediaType }) => mediaType === 'application/json');
  if (manifest === undefined) return [];
  const { warnings, colors } = JSON.parse(new TextDecoder().decode(manifest.bytes)) as {
    readonly warnings: readonly string[];
    readonly colors: { readonly warnings: readonly string[] };
  };
  return [...warnings, ...colors.warnings];
}

/**
 * Puts a picture on the clipboard; SVG as text too, for editors. The file may still be on its way: a browser allows it
 * only soon after the click.
 */
export async function copy(format: 'svg' | 'png', file: Promise<FigureFile>): Promise<void> {
  const as = async (type: string) => {
    const { bytes } = await file;
    return new Blob([new Uint8Array(bytes)], { type });
  };
  const types = format === 'png' ? ['image/png'] : ['text/plain', 'image/svg+xml'];
  const item = new ClipboardItem(
    Object.fromEntries(types.filter((type) => ClipboardItem.supports(type)).map((type) => [type, as(type)])),
  );
  await navigator.clipboard.write([item]);
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
