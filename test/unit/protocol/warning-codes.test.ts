/** Every warning code is documented, emitted by some code, and shown by a test. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { warningCodes } from '#shared/theory/warnings.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const texts = (pattern: string) =>
  globSync(pattern, { cwd: root }).map((file) => readFileSync(`${root}${file}`, 'utf8'));

it('the table of docs/science.md has exactly the codes that exist', () => {
  const text = readFileSync(`${root}docs/science.md`, 'utf8');
  const [, section = ''] = text.split('\n## Warnings\n');
  const [table] = section.split('\n## ');
  const documented = [...table.matchAll(/^\| `([a-z-]+)`/gm)].map(([, code]) => code);
  expect([...documented].sort()).toEqual([...warningCodes].sort());
});

it('every code is emitted somewhere, and expected by a test', () => {
  const sources = [...texts('shared/**/*.ts'), ...texts('main/**/*.ts')];
  const emits = (code: string) =>
    sources.some(
      (text) => text.includes(`code: '${code}'`) || new RegExp(`about\\(\\s*'${code}'`).test(text),
    );
  expect(warningCodes.filter((code) => !emits(code))).toEqual([]);
  const tests = texts('test/**/*.test.ts').filter((text) => !text.includes('warningCodes'));
  expect(warningCodes.filter((code) => !tests.some((text) => text.includes(`'${code}`)))).toEqual([]);
});
