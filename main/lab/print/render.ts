/** One figure in every format that was asked for, in memory: nothing is written here, so a window can call it too. */
import { captionLatex, captionMarkdown } from '#shared/figure/caption.ts';
import { toCsv } from '#shared/figure/csv.ts';
import { drawFigure, type FigureData } from '#shared/figure/draw.ts';
import { fitFigure, type FittedFigure } from '#shared/figure/fit.ts';
import type { FigureFormat } from '#shared/figure/figures-file.ts';
import type { Preset } from '#shared/figure/presets.ts';
import type { FigureSpecification } from '#shared/figure/specification.ts';
import { printStyle } from '#shared/figure/style.ts';
import { toTikz } from '#shared/figure/tikz.ts';
import { serialise, titleOf } from '#shared/figure/tree.ts';
import { manifestOf, program } from './manifest.ts';
import { outlined } from './outline.ts';
import { toPdf } from './pdf.ts';
import { toPng } from './png.ts';
import type { Source } from './provenance.ts';

export interface PrintOptions {
  /** File name without extension. */
  readonly name: string;
  readonly preset: Preset;
  readonly formats: readonly FigureFormat[];
  readonly dpi: number;
  /** Texts of SVG files as outlines. */
  readonly outline: boolean;
}

export interface PrintedFile {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

export interface PrintedFigure {
  readonly name: string;
  readonly figure: FittedFigure;
  readonly files: readonly PrintedFile[];
}

const mediaTypes: Readonly<Record<FigureFormat, string>> = {
  svg: 'image/svg+xml',
  pdf: 'application/pdf',
  png: 'image/png',
  tex: 'application/x-tex',
  csv: 'text/csv',
  json: 'application/json',
  md: 'text/markdown',
};

/**
 * @throws FigureSizeError when it does not fit the preset.
 * @throws RangeError when the data do not have what the specification asks for.
 */
export async function printFigure(
  specification: FigureSpecification,
  data: FigureData,
  sources: readonly Source[],
  options: PrintOptions,
): Promise<PrintedFigure> {
  const { name, preset, formats, dpi, outline } = options;
  const figure = fitFigure((look) => drawFigure(specification, data, look), preset);
  const { tree, width, height, caption, data: table } = figure;
  const svg = serialise(tree);
  const csv = toCsv(table);
  const file = (ending: string, format: FigureFormat, content: string | Uint8Array): PrintedFile => ({
    name: `${name}${ending}`,
    mediaType: mediaTypes[format],
    bytes: typeof content === 'string' ? new TextEncoder().encode(content) : content,
  });
  const files: PrintedFile[] = [];
  for (const format of new Set(formats)) {
    switch (format) {
      case 'svg':
        files.push(file('.svg', format, outline ? outlined(svg) : svg));
        break;
      case 'pdf':
        files.push(
          file(
            '.pdf',
            format,
            await toPdf(tree, figure, {
              title: titleOf(tree),
              subject: `${caption.text} Optimum: ${caption.definition}.`,
              creator: program,
            }),
          ),
        );
        break;
      case 'png':
        files.push(file('.png', format, toPng(svg, width, dpi)));
        break;
      case 'tex': {
        const comments = [
          `${name}, ${width.toFixed(1)} x ${height.toFixed(1)} mm, drawn by ${program}.`,
          `Data: ${name}.csv. Include with \\input{${name}}; the caption is in ${name}-caption.tex.`,
        ];
        const scale = figure.textSize / printStyle.textSize;
        const tableFile = `${forTex(name)}-plots.csv`;
        const latex = toTikz(tree, { scale, comments, tableFile });
        files.push(file('.tex', format, latex.source));
        if (latex.table !== null) files.push({ ...file('', 'csv', latex.table), name: tableFile });
        files.push(file('-caption.tex', format, captionLatex(caption, table, name)));
        if (!formats.includes('csv')) files.push(file('.csv', 'csv', csv));
        break;
      }
      case 'csv':
        files.push(file('.csv', format, csv));
        break;
      case 'json':
        files.push(file('.json', format, manifestOf({ name, figure, specification, preset, sources, csv })));
        break;
      case 'md':
        files.push(file('-caption.md', format, captionMarkdown(caption, table, name)));
        break;
    }
  }
  return { name, figure, files };
}

/** Signs that TeX would not take as part of a file's name become their code. */
function forTex(name: string): string {
  return name.replaceAll(/[\s%#{}~^$&]/g, (sign) => `-${sign.codePointAt(0)!.toString(16)}`);
}
