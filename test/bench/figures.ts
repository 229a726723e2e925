/**
 * Time to print 12 figures of an experiment of 12,000 cells (12 batch sizes × 10 learning rates × 100 seeds, 100 marks)
 * as SVG, PDF, PNG at 300 dpi and CSV, written to disk. Run with `npm run bench:figures`; `--json` prints the numbers,
 * `--out FOLDER` keeps the files.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuUsage } from 'node:process';
import { parseArgs } from 'node:util';
import { presetOf, type FigureFormat } from '#shared/figure/figures-file.ts';
import { figureSpecificationSchema, type FigureSpecificationInput } from '#shared/figure/specification.ts';
import { printFigure } from '#main/lab/print/render.ts';
import { writeFiles } from '#main/lab/print/write-files.ts';
import { syntheticFigureData } from '../support/figure-data.ts';

const TARGET_SECONDS = 20;
const formats: readonly FigureFormat[] = ['svg', 'pdf', 'png', 'csv'];

const { values } = parseArgs({ options: { json: { type: 'boolean' }, out: { type: 'string' } } });
const folder = values.out ?? mkdtempSync(join(tmpdir(), 'surge-figures-'));
const data = syntheticFigureData({ batchSizes: 12, learningRates: 10, seeds: 100, marks: 100 });
const of = { experiment: 'sweep' };
const wanted: readonly FigureSpecificationInput[] = [
  { kind: 'losses', ...of },
  { kind: 'losses', ...of, steps: [100], preset: 'nature-89' },
  { kind: 'losses', ...of, steps: [10, 100], preset: 'neurips-text' },
  { kind: 'heat-map', ...of },
  { kind: 'heat-map', ...of, step: 10 },
  { kind: 'heat-map', ...of, step: 30, preset: 'ieee-89' },
  { kind: 'ridge', ...of },
  { kind: 'ridge', ...of, definition: { kind: 'equal-steps', step: 30 } },
  { kind: 'ridge', ...of, method: 'smooth', preset: 'thesis' },
  { kind: 'migration', ...of },
  { kind: 'migration', ...of, by: 'loss' },
  { kind: 'protocol', ...of },
];

const timings: { readonly name: string; readonly seconds: number; readonly bytes: number }[] = [];
const start = performance.now();
// Of processor time: other programs on the machine must not count.
const used = cpuUsage();
for (const [index, input] of wanted.entries()) {
  const began = performance.now();
  const specification = figureSpecificationSchema.parse(input);
  const name = `${String(index + 1).padStart(2, '0')}-${specification.kind}`;
  const { files } = await printFigure(specification, data, [], {
    name,
    preset: presetOf(specification),
    formats,
    dpi: 300,
    outline: false,
  });
  await writeFiles(folder, files);
  const bytes = files.reduce((sum, file) => sum + file.bytes.length, 0);
  timings.push({ name, seconds: (performance.now() - began) / 1_000, bytes });
}
const elapsed = (performance.now() - start) / 1_000;
const { user, system } = cpuUsage(used);
const seconds = (user + system) / 1e6;
if (values.out === undefined) rmSync(folder, { recursive: true });

if (values.json === true)
  console.log(JSON.stringify({ seconds, elapsed, targetSeconds: TARGET_SECONDS, timings }, null, 2));
else {
  for (const one of timings)
    console.log(
      `${one.name.padEnd(16)} ${one.seconds.toFixed(2).padStart(6)} s ${(one.bytes / 1e3).toFixed(0).padStart(6)} kB`,
    );
  console.log(
    `\n12 figures in ${formats.length} formats: ${seconds.toFixed(1)} s of processor time, ${elapsed.toFixed(1)} s elapsed (target: under ${TARGET_SECONDS} s)`,
  );
}
process.exitCode = seconds < TARGET_SECONDS ? 0 : 1;
