/** figures.yaml: one figure, or a set with what its figures share. */
import { z } from 'zod';
import type { Problem } from '../experiment/axis.ts';
import { explainIssues } from '../experiment/explain.ts';
import { parseYamlFile, type FileProblem } from '../experiment/yaml.ts';
import { isPresetName, presetNames, presets, presetSchema, type Preset } from './presets.ts';
import { figureSpecificationSchema, presetNameOf, type FigureSpecification } from './specification.ts';

export const figureFormats = ['svg', 'pdf', 'png', 'tex', 'csv', 'json', 'md'] as const;
export type FigureFormat = (typeof figureFormats)[number];

export const dotsPerInch = z.number().int().min(30).max(2_400);

const figuresFileSchema = z.strictObject({
  /** For the figures that name none. */
  preset: z.string().min(1).optional(),
  /** Presets of one's own, by name. */
  presets: z.record(z.string().min(1).max(60), presetSchema).default({}),
  formats: z.array(z.enum(figureFormats)).min(1).optional(),
  dpi: dotsPerInch.optional(),
  /** Texts of SVG files as outlines. */
  outline: z.boolean().optional(),
  figures: z.array(figureSpecificationSchema).min(1).max(200),
});

export type FiguresFile = z.output<typeof figuresFileSchema>;
type Checked =
  | { readonly ok: true; readonly file: FiguresFile }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Never throws: every problem with its line. */
export function parseFiguresFile(
  text: string,
):
  | { readonly ok: true; readonly file: FiguresFile }
  | { readonly ok: false; readonly problems: readonly FileProblem[] } {
  return parseYamlFile(text, 'a file of figures', check);
}

/** A preset of one's own; never throws. */
export function parsePresetFile(
  text: string,
):
  | { readonly ok: true; readonly preset: Preset }
  | { readonly ok: false; readonly problems: readonly FileProblem[] } {
  return parseYamlFile(text, 'a preset file', (value) => {
    const parsed = presetSchema.safeParse(value);
    return parsed.success
      ? { ok: true, preset: parsed.data }
      : { ok: false, problems: explainIssues(parsed.error.issues, value, presetSchema) };
  });
}

function check(value: unknown): Checked {
  if (typeof value === 'object' && value !== null && 'kind' in value) {
    const one = figureSpecificationSchema.safeParse(value);
    if (!one.success)
      return { ok: false, problems: explainIssues(one.error.issues, value, figureSpecificationSchema) };
    return withKnownPresets({ presets: {}, figures: [one.data] }, (_, field) => [field]);
  }
  const set = figuresFileSchema.safeParse(value);
  if (!set.success) return { ok: false, problems: explainIssues(set.error.issues, value, figuresFileSchema) };
  return withKnownPresets(set.data, (index, field) => ['figures', index, field]);
}

function withKnownPresets(
  file: FiguresFile,
  pathOf: (index: number, field: string) => (string | number)[],
): Checked {
  const unknown = (name: string | undefined) => name !== undefined && findPreset(name, file.presets) === null;
  const problems = [
    ...(unknown(file.preset) ? [{ path: ['preset'], message: unknownPreset(file.preset!) }] : []),
    ...file.figures.flatMap(({ preset }, i) =>
      unknown(preset) ? [{ path: pathOf(i, 'preset'), message: unknownPreset(preset!) }] : [],
    ),
  ];
  return problems.length > 0 ? { ok: false, problems } : { ok: true, file };
}

export function unknownPreset(name: string): string {
  return `there is no preset "${name}": choose ${presetNames.join(', ')}, or describe one under presets`;
}

export function findPreset(name: string, own: Readonly<Record<string, Preset>>): Preset | null {
  if (Object.hasOwn(own, name)) return own[name];
  return isPresetName(name) ? presets[name] : null;
}

/** Higher than any preset: a figure of which no preset was asked may be as high as it needs. */
const ANY_HEIGHT = 2_000;

/** `fallback` is for figures that name no preset; with neither, the kind decides. Throws RangeError for an unknown one. */
export function presetOf(
  specification: FigureSpecification,
  fallback?: string,
  own: Readonly<Record<string, Preset>> = {},
): Preset {
  const asked = specification.preset ?? fallback;
  const name = asked ?? presetNameOf(specification);
  const found = findPreset(name, own);
  if (found === null) throw new RangeError(unknownPreset(name));
  return {
    ...found,
    width: specification.widthMm ?? found.width,
    maxHeight: asked === undefined ? ANY_HEIGHT : found.maxHeight,
  };
}
