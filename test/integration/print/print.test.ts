import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Resvg } from '@resvg/resvg-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { figureFormats, presetOf } from '#shared/figure/figures-file.ts';
import { presetNames, presets, type PresetName } from '#shared/figure/presets.ts';
import { figureSpecificationSchema, type FigureSpecificationInput } from '#shared/figure/specification.ts';
import { fontOptions } from '#main/lab/print/png.ts';
import { printFigure, type PrintedFigure } from '#main/lab/print/render.ts';
import { syntheticFigureData } from '../../support/figure-data.ts';
import {
  describeWithPoppler,
  pdfFonts,
  pdfInformation,
  pdfPageSize,
  pdfPicture,
  pdfText,
} from '../../support/poppler.ts';
import { greyPicture, similarity } from '../../support/similarity.ts';
import { parseXml } from '../../unit/figure/xml.ts';

const data = syntheticFigureData();
const DPI = 200;
const LEAST_SIMILARITY = 0.98;
/** As for 600 dpi of two columns: with fewer, Poppler moves thin lines to whole pixels. */
const COMPARED_PIXELS = 4_320;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'surge-print-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function printed(
  input: Pick<FigureSpecificationInput, 'kind'> & Record<string, unknown>,
  options: Partial<Parameters<typeof printFigure>[3]> = {},
): Promise<PrintedFigure> {
  const specification = figureSpecificationSchema.parse({ experiment: 'digits', ...input });
  return printFigure(specification, data, [], {
    name: 'figure',
    preset: presetOf(specification),
    formats: figureFormats,
    dpi: DPI,
    outline: false,
    ...options,
  });
}

function bytesOf({ files }: PrintedFigure, name: string): Buffer {
  const file = files.find((one) => one.name === name);
  if (file === undefined) throw new Error(`no ${name} among ${files.map((one) => one.name).join(', ')}`);
  return Buffer.from(file.bytes);
}

const kinds = ['losses', 'heat-map', 'ridge', 'migration'] as const;
const looks: readonly PresetName[] = ['nature-183', 'neurips-text', 'slide-16-9'];
const cases: readonly { readonly kind: FigureSpecificationInput['kind']; readonly preset: PresetName }[] = [
  ...kinds.flatMap((kind) => looks.map((preset) => ({ kind, preset }))),
  { kind: 'protocol', preset: 'science-184' },
  { kind: 'curves', preset: 'slide-16-9' },
];

describeWithPoppler('PDF of a figure', () => {
  it.each(cases)('$kind for $preset is the same page to another program', async ({ kind, preset }) => {
    const figure = await printed({ kind, preset });
    const file = join(folder, `${kind}-${preset}.pdf`);
    writeFileSync(file, bytesOf(figure, 'figure.pdf'));

    const fonts = pdfFonts(file);
    expect(fonts.length).toBeGreaterThan(0);
    for (const font of fonts) {
      expect(font).toMatchObject({ embedded: true, subset: true, unicode: true });
      expect(font.name).toContain(presets[preset].face === 'serif' ? 'DejaVuSerif' : 'DejaVuSans');
    }

    const text = pdfText(file);
    if (kind !== 'curves') expect(text).toMatch(/10\s*−\s*3/);
    if (kind === 'losses' || kind === 'heat-map') expect(text).toContain('learning rate η');

    const [width, height] = pdfPageSize(file);
    expect(Math.abs(width - presets[preset].width)).toBeLessThan(0.1);
    expect(Math.abs(height - figure.figure.height)).toBeLessThan(0.1);
    expect(pdfInformation(file)).toMatchObject({
      Pages: '1',
      CreationDate: expect.stringContaining('1970') as string,
    });
    expect(pdfInformation(file).Title).toContain('digits');

    const dpi = Math.round(COMPARED_PIXELS / (width / 25.4));
    const svg = bytesOf(figure, 'figure.svg').toString();
    const drawn = new Resvg(svg, {
      font: fontOptions,
      fitTo: { mode: 'width', value: Math.round((width / 25.4) * dpi) },
    }).render();
    const picture = greyPicture(drawn.width, drawn.height, drawn.pixels, 4);
    expect(similarity(picture, pdfPicture(file, dpi))).toBeGreaterThanOrEqual(LEAST_SIMILARITY);
  });

  it('has Greek letters, subscripts and signs as text', async () => {
    const figure = await printed({ kind: 'losses', title: 'β₁ = 0.9, η = 10⁻³, Δ ≥ −2 × 10' });
    const file = join(folder, 'signs.pdf');
    writeFileSync(file, bytesOf(figure, 'figure.pdf'));
    const text = pdfText(file);
    for (const sign of ['β₁', 'η', '10⁻³', 'Δ', '≥', '−', '×']) expect(text).toContain(sign);
  });
});

describe('a printed figure', () => {
  it.each(kinds)('of %s is the same bytes each time, in every format', async (kind) => {
    const [one, two] = [await printed({ kind }), await printed({ kind })];
    expect(one.files.map(({ name }) => name)).toEqual([
      'figure.svg',
      'figure.pdf',
      'figure.png',
      'figure.tex',
      'figure-plots.csv',
      'figure-caption.tex',
      'figure.csv',
      'figure.json',
      'figure-caption.md',
    ]);
    expect(two.files).toEqual(one.files);
  });

  it.each(presetNames)('fits %s: its width, at most its height, readable type', async (preset) => {
    const { width, maxHeight, textSize, fillsPage } = presets[preset];
    for (const kind of kinds) {
      const { figure } = await printed({ kind, preset }, { formats: ['svg'] });
      expect(figure.width).toBe(width);
      expect(figure.height).toBeLessThanOrEqual(maxHeight);
      expect(figure.textSize).toBeGreaterThanOrEqual((fillsPage ? 0.6 : 1) * textSize - 1e-9);
      expect(figure.tree.attributes.width).toBe(`${width}mm`);
    }
  });

  it('states its resolution as PNG', async () => {
    const png = bytesOf(await printed({ kind: 'ridge' }, { dpi: 600 }), 'figure.png');
    expect(png.readUInt32BE(16)).toBe(Math.round((89 / 25.4) * 600));
    const at = png.indexOf('pHYs');
    expect([png.readUInt32BE(at + 4), png.readUInt32BE(at + 8), png[at + 12]]).toEqual([23622, 23622, 1]);
    expect(png.readUInt32BE(at + 13)).toBe(crc32(png.subarray(at, at + 13)));
  });

  it('is well-formed as SVG, with texts or with outlines that look the same', async () => {
    const plain = bytesOf(await printed({ kind: 'migration' }), 'figure.svg').toString();
    const outlined = bytesOf(
      await printed({ kind: 'migration' }, { outline: true }),
      'figure.svg',
    ).toString();
    const [one, two] = [parseXml(plain), parseXml(outlined)];
    expect(two.attributes).toEqual(one.attributes);
    expect(two.children[0]).toEqual(one.children[0]);
    expect(plain).toContain('<text');
    expect(outlined).not.toMatch(/<text|font/);
    const pictures = [plain, outlined].map((svg) => {
      const { width, height, pixels } = new Resvg(svg, {
        font: fontOptions,
        fitTo: { mode: 'width', value: 1_400 },
      }).render();
      return greyPicture(width, height, pixels, 4);
    });
    expect(similarity(pictures[0], pictures[1])).toBeGreaterThan(0.999);
  });

  it('says in its manifest what it was made of', async () => {
    const figure = await printed({ kind: 'ridge', preset: 'ieee-89' });
    const manifest = JSON.parse(bytesOf(figure, 'figure.json').toString()) as Record<string, unknown>;
    const csv = bytesOf(figure, 'figure.csv');
    const rows = csv.toString().trimEnd().split('\n').length - 1;
    const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(csv));
    expect(manifest).toMatchObject({
      format: 'surge-lab-figure',
      query: {
        kind: 'ridge',
        experiment: 'digits',
        definition: { kind: 'equal-steps' },
        method: 'three-point',
      },
      page: { widthMm: 88.9, textPt: 8, preset: { title: 'IEEE, one column' } },
      seeds: { planned: 5 },
      points: { drawn: rows },
      data: { rows, sha256: Buffer.from(digest).toString('hex') },
    });
  });

  it('says how curves are smoothed, in manifest and caption', async () => {
    const smoothed = await printed({ kind: 'curves', halfLife: 20 });
    const plain = await printed({ kind: 'curves' });
    const smoothingOf = (figure: PrintedFigure) =>
      (JSON.parse(bytesOf(figure, 'figure.json').toString()) as { smoothing: string }).smoothing;
    expect(smoothingOf(smoothed)).toBe(
      'exponential average with a half-life of 20 steps, corrected for its start',
    );
    expect(smoothingOf(plain)).toBe('none');
    expect(bytesOf(smoothed, 'figure-caption.md').toString()).not.toContain('smoothed or decimated');
    expect(bytesOf(plain, 'figure-caption.md').toString()).toContain('nothing is smoothed or decimated');
  });

  it('comes with a caption that states N, seeds and definition', async () => {
    const figure = await printed({ kind: 'ridge' });
    const markdown = bytesOf(figure, 'figure-caption.md').toString();
    expect(markdown).toContain('N = 8 (optimum), 1 (peak), 1 (noise scale); 5 seeds.');
    expect(markdown).toContain('at equal steps (step 100)');
    expect(bytesOf(figure, 'figure-caption.tex').toString()).toMatch(
      /^\\caption\{[^\0]*95 \\%[^\0]*\}\n\\label\{fig:figure\}\n$/,
    );
  });

  it('refuses a width that its axes do not fit, and a height that no panel fits', async () => {
    await expect(printed({ kind: 'ridge', widthMm: 30 })).rejects.toThrow(/axes do not fit into 30 mm/);
    const steps = Array.from({ length: 40 }, (_, i) => i + 1);
    await expect(printed({ kind: 'losses', steps, preset: 'nature-89' })).rejects.toThrow(/allows 170 mm/);
  });
});
