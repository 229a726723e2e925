/** What a figure was made of and how, as JSON beside it. */
import { createHash } from 'node:crypto';
import { checkColors } from '#shared/figure/color-vision.ts';
import type { FittedFigure } from '#shared/figure/fit.ts';
import { elementsOf } from '#shared/figure/geometry.ts';
import type { Preset } from '#shared/figure/presets.ts';
import type { FigureSpecification } from '#shared/figure/specification.ts';
import packageFile from '../../../package.json' with { type: 'json' };
import type { Source } from './provenance.ts';

export interface ManifestInput {
  readonly name: string;
  readonly figure: FittedFigure;
  /** Every default filled in. */
  readonly specification: FigureSpecification;
  readonly preset: Preset;
  readonly sources: readonly Source[];
  /** The drawn data. */
  readonly csv: string;
}

export const program = `Surge Lab ${packageFile.version}`;

export const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

/** Without times: the same figure has the same manifest. */
export function manifestOf({ name, figure, specification, preset, sources, csv }: ManifestInput): string {
  const { caption, data, warnings, width, height, paper, textSize } = figure;
  const { closest, faintest, warnings: colorWarnings } = checkColors(lineColors(figure), paper);
  const document = {
    format: 'surge-lab-figure',
    version: 1,
    name,
    program: { name: 'Surge Lab', version: packageFile.version },
    experiments: sources,
    query: specification,
    page: { widthMm: rounded(width), heightMm: rounded(height), textPt: rounded(textSize), preset },
    caption: caption.text,
    definition: caption.definition,
    seeds: caption.seeds,
    points: { drawn: data.rows.length, leftOut: caption.counts },
    smoothing: caption.smoothing ?? 'none',
    decimation: 'none',
    data: { file: `${name}.csv`, rows: data.rows.length, columns: data.columns, sha256: sha256(csv) },
    colors: { closest, faintest, warnings: colorWarnings },
    warnings,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Colors of lines; areas and texts need not be told apart. */
export function lineColors({ tree, paper }: FittedFigure): string[] {
  return elementsOf(tree).flatMap(({ tag, attributes: { stroke } }) =>
    tag === 'path' && typeof stroke === 'string' && stroke.startsWith('#') && stroke !== paper
      ? [stroke]
      : [],
  );
}

const rounded = (value: number) => Number(value.toFixed(3));
