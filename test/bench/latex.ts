/**
 * Compiles resources/latex/example.tex, and the TikZ source of every kind of figure, with pdflatex and lualatex. Says so
 * and ends well where neither is installed. Run with `node test/bench/latex.ts`; `--out FOLDER` keeps the files.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseFiguresFile, presetOf } from '#shared/figure/figures-file.ts';
import { figureSpecificationSchema, type FigureSpecification } from '#shared/figure/specification.ts';
import { printFigure } from '#main/lab/print/render.ts';
import { writeFiles } from '#main/lab/print/write-files.ts';
import { syntheticFigureData } from '../support/figure-data.ts';

const resources = fileURLToPath(new URL('../../resources/latex/', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string' } } });
const programs = ['pdflatex', 'lualatex'].filter((program) => spawnSync(program, ['--version']).status === 0);
if (programs.length === 0) {
  console.log(
    'skipped: neither pdflatex nor lualatex is installed (Debian: texlive-latex-recommended, texlive-pictures, lmodern)',
  );
  process.exit(0);
}

const folder = values.out ?? mkdtempSync(join(tmpdir(), 'surge-latex-'));
mkdirSync(folder, { recursive: true });
const data = syntheticFigureData();
const example = parseFiguresFile(readFileSync(join(resources, 'figures.yaml'), 'utf8'));
if (!example.ok)
  throw new Error(example.problems.map(({ line, message }) => `${line}: ${message}`).join('\n'));
const gallery: readonly FigureSpecification[] = (
  ['losses', 'heat-map', 'ridge', 'migration', 'protocol', 'curves'] as const
)
  .map((kind) =>
    figureSpecificationSchema.parse({ kind, experiment: 'A_B & 50 % {x} #1 ~ β₁', name: `gallery-${kind}` }),
  )
  .concat(
    figureSpecificationSchema.parse({ kind: 'theory', name: 'gallery-theory', draws: 100 }),
    // On dark paper, of a page with a fixed height, with a title.
    figureSpecificationSchema.parse({
      kind: 'compare',
      experiments: ['one', 'two'],
      name: 'gallery-compare',
      preset: 'slide-16-9',
      title: 'Two experiments',
    }),
  );
for (const specification of [...example.file.figures, ...gallery]) {
  const options = { formats: ['pdf', 'tex'], dpi: 300, outline: false } as const;
  const { files } = await printFigure(specification, data, [], {
    ...options,
    name: nameOf(specification),
    preset: presetOf(specification, gallery.includes(specification) ? undefined : example.file.preset),
  });
  await writeFiles(folder, files);
}
copyFileSync(join(resources, 'example.tex'), join(folder, 'example.tex'));
for (const name of gallery.map(nameOf))
  writeFileSync(
    join(folder, `${name}-page.tex`),
    `\\documentclass{article}\\usepackage[paperwidth=350mm,paperheight=300mm,margin=5mm]{geometry}\\usepackage{iftex}\\ifPDFTeX\\usepackage[utf8]{inputenc}\\usepackage[T1]{fontenc}\\fi\\usepackage{lmodern,pgfplots}\\pgfplotsset{compat=1.16}\\pagestyle{empty}\\begin{document}\\noindent\\input{${name}}\\end{document}\n`,
  );

function nameOf({ name, kind }: FigureSpecification): string {
  return name ?? kind;
}

let failed = 0;
for (const program of programs)
  for (const document of ['example', ...gallery.map((one) => `${nameOf(one)}-page`)]) {
    const began = performance.now();
    const { status, stdout } = spawnSync(
      program,
      ['-interaction=nonstopmode', '-halt-on-error', `-jobname=${document}-${program}`, `${document}.tex`],
      { cwd: folder },
    );
    const text = stdout.toString();
    const problem =
      status === 0 ? (/^(?:Missing character|Overfull \\hbox).*$/m.exec(text)?.[0] ?? '') : text.slice(-600);
    if (status !== 0) failed++;
    console.log(
      `${program.padEnd(9)} ${document.padEnd(24)} ${status === 0 ? 'ok' : 'FAILED'} ${((performance.now() - began) / 1_000).toFixed(1)} s ${problem}`,
    );
  }
if (values.out === undefined) rmSync(folder, { recursive: true });
process.exitCode = failed === 0 ? 0 : 1;
