// `npm test`: engine set-up, the static checks, then every test; ends with one line that counts them all.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const counts = { passed: 0, failed: 0, skipped: 0 };
const result = (isGood, started) =>
  `  ${isGood ? 'ok' : 'FAILED'} in ${((Date.now() - started) / 1000).toFixed(1)} s`;

function run(title, command, args) {
  console.log(`\n— ${title}`);
  const started = Date.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  console.log(result(status === 0, started));
  return status === 0;
}

/** Some at a time; what each says is shown together when it has ended. */
async function check(checks) {
  const waiting = [...checks];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [title, script] = next;
      const started = Date.now();
      const said = [];
      const child = spawn('npm', ['run', '-s', script], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => said.push(data));
      const isGood = await new Promise((resolve) => {
        child.on('error', () => resolve(false));
        child.on('close', (code) => resolve(code === 0));
      });
      console.log(`\n— ${title}`);
      process.stdout.write(Buffer.concat(said));
      console.log(result(isGood, started));
      counts[isGood ? 'passed' : 'failed']++;
    }
  };
  await Promise.all(Array.from({ length: Math.min(3, availableParallelism()) }, worker));
}

if (!run('engine', process.execPath, ['main/setup/launch.mjs', 'surge', 'engine', 'install'])) {
  console.log('\nThe engine could not be set up, so nothing was tested.\n0 passed, 1 failed');
  process.exit(1);
}
// The longest first.
await check([
  ['window types', 'check:svelte'],
  ['lint', 'check:lint'],
  ['types', 'check:types'],
  ['format', 'check:format'],
  ['import direction', 'check:imports'],
  ['unused code', 'check:unused'],
]);

const folder = mkdtempSync(join(tmpdir(), 'surge-test-'));
const report = join(folder, 'report.json');
run('tests', 'npx', [
  'vitest',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]);
try {
  const found = JSON.parse(readFileSync(report, 'utf8'));
  counts.passed += found.numPassedTests;
  counts.failed += found.numFailedTests;
  counts.skipped += found.numPendingTests + found.numTodoTests;
  // A file that fails to load counts as a failed suite without failed tests.
  if (!found.success && found.numFailedTests === 0) counts.failed += Math.max(1, found.numFailedTestSuites);
} catch {
  console.log('  the test runner left no report');
  counts.failed++;
}
rmSync(folder, { recursive: true, force: true });
console.log(
  `\n${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`,
);
process.exit(counts.failed === 0 ? 0 : 1);
