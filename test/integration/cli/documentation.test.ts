/** Every command and option that --help shows is in docs/cli.md, and every exit code. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { exitCodes } from '#main/doors/cli/exit-codes.ts';
import { surge } from '../../support/cli.ts';

const documentation = readFileSync(fileURLToPath(new URL('../../../docs/cli.md', import.meta.url)), 'utf8');
/** Help by command: 'run', 'engine check', ... */
const help = new Map<string, string>();

async function collect(command: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await surge([...command, '--help']);
  expect(code, `${command.join(' ')}: ${stderr}`).toBe(0);
  expect(stderr).toBe('');
  help.set(command.join(' '), stdout);
  const [, list = ''] = stdout.split('\nCommands:\n');
  for (const [, name] of list.matchAll(/^ {2}([a-z][a-z-]*)/gm))
    if (name !== 'help') await collect([...command, name]);
}

beforeAll(() => collect([]));

/** The part of the documentation under a command's heading. */
function section(name: string): string {
  const part = documentation.split(/^#+ /m).find((text) => text.split('\n')[0].includes(`\`surge ${name}`));
  return part ?? '';
}

const commands = () => [...help].filter(([name, text]) => name !== '' && !text.includes('\nCommands:\n'));

test('every command is documented with an example', () => {
  expect(commands().length).toBeGreaterThan(15);
  for (const [name] of commands()) {
    expect(section(name), name).not.toBe('');
    expect(section(name), `example of ${name}`).toMatch(/^`surge [^`]+`$/m);
  }
});

test('every option is documented where its command is', () => {
  // Said once for all of them.
  const shared = ['--help', '--store', '--json'];
  const missing: string[] = [];
  for (const [name, text] of commands()) {
    const [, options = ''] = text.split('\nOptions:\n');
    const names = [...options.matchAll(/^ {2}(?:-\w, )?(--[a-z0-9-]+)/gm)].map(([, option]) => option);
    expect(names, name).toContain('--help');
    const own = section(name);
    const others = [...own.matchAll(/options of `surge ([a-z ]+)`/g)].map(([, other]) => section(other));
    const told = [own, ...others].flatMap((part) => part.match(/--[a-z0-9-]+/g) ?? []);
    missing.push(
      ...names.filter((o) => !shared.includes(o) && !told.includes(o)).map((o) => `surge ${name} ${o}`),
    );
  }
  expect(missing).toEqual([]);
});

test('every exit code is documented', () => {
  for (const code of Object.values(exitCodes))
    expect(documentation).toMatch(new RegExp(`^\\| ${code} +\\| \\w`, 'm'));
});

test('unknown commands and options are refused', async () => {
  for (const args of [
    ['nonsense'],
    ['list', '--nonsense'],
    ['run'],
    ['run', 'a.yaml', '--trainers', '0'],
    ['engine'],
  ]) {
    const { code, stdout, stderr } = await surge(args);
    expect(code, args.join(' ')).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/error: |Usage: /);
  }
});
