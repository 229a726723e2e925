/** A set of figures from one store. */
import { FigureSizeError } from '#shared/figure/fit.ts';
import type { FigureFormat } from '#shared/figure/figures-file.ts';
import { presetOf } from '#shared/figure/figures-file.ts';
import type { Preset } from '#shared/figure/presets.ts';
import type { FigureSpecification } from '#shared/figure/specification.ts';
import { figureData } from '../figure-data.ts';
import type { ReadableStore } from '../store/types.ts';
import { figureName, withoutDuplicates } from './names.ts';
import { experimentsOf, sourcesOf } from './provenance.ts';
import { printFigure, type PrintedFigure } from './render.ts';

export interface SetOptions {
  readonly formats: readonly FigureFormat[];
  readonly dpi: number;
  readonly outline: boolean;
  /** For figures that name none. */
  readonly preset?: string | undefined;
  /** Presets beside the known ones. */
  readonly presets?: Readonly<Record<string, Preset>>;
  /** Called for a figure that cannot be drawn, or not at this size, if another one can; otherwise that is an error. */
  readonly onLeftOut?: ((message: string) => void) | undefined;
}

/**
 * Draws all figures before anything is written.
 * @throws FigureSizeError, RangeError and StoreError, with the name of the figure before the message.
 */
export async function printSet(
  specifications: readonly FigureSpecification[],
  store: ReadableStore,
  options: SetOptions,
): Promise<PrintedFigure[]> {
  const data = remembered(store);
  const wanted = withoutDuplicates(
    specifications.map((specification) => {
      const [first = ''] = experimentsOf(specification);
      return {
        specification,
        name: figureName(specification, first === '' ? '' : store.experiment(first).name),
      };
    }),
  );
  const printed: PrintedFigure[] = [];
  const refused: Error[] = [];
  for (const { specification, name } of wanted) {
    try {
      const preset = presetOf(specification, options.preset, options.presets);
      const sources = sourcesOf(specification, store);
      printed.push(await printFigure(specification, data, sources, { ...options, name, preset }));
    } catch (error) {
      if (error instanceof Error) error.message = `${name}: ${error.message}`;
      if (options.onLeftOut === undefined || !isRefusal(error)) throw error;
      refused.push(error);
    }
  }
  if (printed.length === 0 && refused.length > 0) throw refused[0];
  for (const { message } of refused) options.onLeftOut?.(message);
  return printed;
}

/** Of the figure, not of the machine: its size, or data that it needs. */
export function isRefusal(error: unknown): error is FigureSizeError | RangeError {
  return error instanceof FigureSizeError || error instanceof RangeError;
}

/** Each experiment's curves are read once for all figures. */
function remembered(store: ReadableStore): ReturnType<typeof figureData> {
  const data = figureData(store);
  const experiments = new Map<string, ReturnType<typeof data.experiment>>();
  return {
    experiment(nameOrKey) {
      const known = experiments.get(nameOrKey);
      if (known !== undefined) return known;
      const experiment = data.experiment(nameOrKey);
      const curves = new Map<string, ReturnType<typeof experiment.curves>>();
      const caching = {
        ...experiment,
        curves(metric: Parameters<typeof experiment.curves>[0]) {
          const read = curves.get(metric) ?? experiment.curves(metric);
          curves.set(metric, read);
          return read;
        },
      };
      experiments.set(nameOrKey, caching);
      return caching;
    },
  };
}
