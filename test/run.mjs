// `npm test`: engine set-up, the static checks, then every test; ends with one line that counts them all.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const counts = { passed: 0, failed: 0, skipped: 0 };

function run(title, command, args, options = {}) {
  console.log(`\n— ${title}`);
  const started = Date.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  console.log(`  ${status === 0 ? 'ok' : 'FAILED'} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return status === 0;
}

function check(title, command, args) {
  counts[run(title, command, args) ? 'passed' : 'failed']++;
}

if (!run('engine', process.execPath, ['main/setup/launch.mjs', 'surge', 'engine', 'install'])) {
  console.log('\nThe engine could not be set up, so nothing was tested.\n0 passed, 1 failed');
  process.exit(1);
}
check('types', 'npm', ['run', '-s', 'check:types']);
check('window types', 'npm', ['run', '-s', 'check:svelte']);
check('lint', 'npm', ['run', '-s', 'check:lint']);
check('format', 'npm', ['run', '-s', 'check:format']);
check('import direction', 'npm', ['run', '-s', 'check:imports']);
check('unused code', 'npm', ['run', '-s', 'check:unused']);

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
  const result = JSON.parse(readFileSync(report, 'utf8'));
  counts.passed += result.numPassedTests;
  counts.failed += result.numFailedTests;
  counts.skipped += result.numPendingTests + result.numTodoTests;
  // A file that fails to load counts as a failed suite without failed tests.
  if (!result.success && result.numFailedTests === 0)
    counts.failed += Math.max(1, result.numFailedTestSuites);
} catch {
  console.log('  the test runner left no report');
  counts.failed++;
}
rmSync(folder, { recursive: true, force: true });
console.log(
  `\n${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`,
);
process.exit(counts.failed === 0 ? 0 : 1);
