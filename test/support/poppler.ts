/** What another program makes of a PDF: Poppler's tools. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { greyPicture, type GreyPicture } from './similarity.ts';

const found = spawnSync('pdfinfo', ['-v']).status === 0;

/** Skipped with a message where Poppler is absent, which continuous integration does not allow. */
export function describeWithPoppler(name: string, body: () => void): void {
  if (found) describe(name, body);
  else if (process.env.CI === 'true')
    test(name, () => {
      expect.fail('Poppler is absent: install poppler-utils.');
    });
  else {
    console.log(`skipped: ${name}: Poppler is absent (apt-get install poppler-utils)`);
    describe.skip(name, body);
  }
}

function run(program: string, args: readonly string[]): Buffer {
  const { status, stdout, stderr } = spawnSync(program, args, { maxBuffer: 1e9 });
  if (status !== 0) throw new Error(`${program}: ${stderr.toString()}`);
  return stdout;
}

export interface PdfFont {
  readonly name: string;
  readonly embedded: boolean;
  readonly subset: boolean;
  readonly unicode: boolean;
}

export function pdfFonts(file: string): PdfFont[] {
  const rows = run('pdffonts', [file]).toString().trimEnd().split('\n').slice(2);
  return rows.map((row) => {
    const [embedded, subset, unicode] = row.trimEnd().split(/\s+/).slice(-5, -2);
    return {
      name: row.split(/\s+/)[0],
      embedded: embedded === 'yes',
      subset: subset === 'yes',
      unicode: unicode === 'yes',
    };
  });
}

export function pdfText(file: string): string {
  return run('pdftotext', [file, '-']).toString();
}

export function pdfInformation(file: string): Record<string, string> {
  const lines = run('pdfinfo', [file]).toString().trimEnd().split('\n');
  return Object.fromEntries(
    lines.map((line) => [line.split(':')[0], line.slice(line.indexOf(':') + 1).trim()]),
  );
}

/** In millimetres. */
export function pdfPageSize(file: string): readonly [number, number] {
  const [, width, height] = /([\d.]+) x ([\d.]+) pts/.exec(pdfInformation(file)['Page size'])!;
  return [Number(width) * (25.4 / 72), Number(height) * (25.4 / 72)];
}

export function pdfPicture(file: string, dpi: number): GreyPicture {
  const ppm = run('pdftoppm', ['-r', String(dpi), file]);
  const [header, width, height] = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(ppm.subarray(0, 40).toString('latin1'))!;
  return greyPicture(Number(width), Number(height), ppm.subarray(header.length), 3);
}
