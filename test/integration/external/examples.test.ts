/** The example programs that come with the product. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import { openStoreReadOnly } from '#main/lab/store/index.ts';
import { engineCacheFolder } from '#main/setup/platform.ts';
import { startSurge, surgeJson, temporaryFolder, waitUntil, writeExperiment } from '../../support/cli.ts';
import { pythonWith } from '../../support/python.ts';

const resources = fileURLToPath(new URL('../../../resources/', import.meta.url));
const folder = temporaryFolder();
afterAll(() => folder.remove());

test('the shell example has the optimum of the exact law after its first step', async () => {
  const store = folder.file('shell.surge');
  const run = await surgeJson(['run', join(resources, 'experiments/external-shell.yaml'), '--store', store]);
  expect(run.code, run.stderr).toBe(0);
  expect(run.value).toMatchObject({ experiments: [{ end: 'complete', counts: { done: 90 } }] });
  const { code, value, stderr } = await surgeJson([
    'ridge',
    'external, shell',
    '--store',
    store,
    '--step',
    '1',
  ]);
  expect(code, stderr).toBe(0);
  const { points } = value as { points: { learningRate: number | null }[] };
  const optima = points.map(({ learningRate }) => learningRate!);
  expect(optima).toHaveLength(5);
  // Theorem 2 (arXiv 2405.14578): E/(1 + (n − 1) c E²) with E = erf(√(B/2)/σ), σ = 4, n = 256, c = 0.025.
  const sure = [0.19741, 0.38292, 0.68269, 0.9545, 0.99994];
  optima.forEach((optimum, batch) => {
    const exact = sure[batch] / (1 + 255 * 0.025 * sure[batch] ** 2);
    expect(Math.abs(Math.log(optimum / exact)), `batch size ${4 ** batch}`).toBeLessThan(Math.log(1.6));
  });
});

/**
 * A Python with PyTorch: that of SURGE_TEST_TORCH, or with SURGE_TEST_TORCH=install one that is installed now, or that of
 * the benchmark. Null without: it is too large to be fetched by every test run.
 */
function torchPython(): string | null {
  const wish = process.env.SURGE_TEST_TORCH ?? '';
  if (wish === 'install') return pythonWith('torch');
  const python = wish === '' ? join(dirname(engineCacheFolder()), 'bench-python/bin/python') : wish;
  if (!existsSync(python)) return null;
  try {
    execFileSync(python, ['-c', 'import torch'], { stdio: 'ignore' });
    return python;
  } catch {
    return null;
  }
}

/**
 * Runs the example, after what the test wants to happen to three of its cells. PyTorch takes seconds to load: cells of the
 * second seed report a made-up curve instead, in the same words.
 */
const WRAPPER = `
import json, os, pathlib, runpy, sys, time
values = dict(argument[2:].split('=') for argument in sys.argv[2:])
cell = (values['batch-size'], values['seed'], float(values['lr']))

def once(name):
    if pathlib.Path(name).exists():
        return False
    pathlib.Path(name).write_text(str(os.getpid()))
    return True

if cell == ('1', '0', 0.1):
    sys.argv = ['--lr=1e30' if argument.startswith('--lr=') else argument for argument in sys.argv]
if cell == ('4', '0', 0.01) and once('waits') or cell == ('16', '0', 0.001) and once('hangs'):
    time.sleep(1000)
if values['seed'] == '1':
    for step in range(1, int(values['steps']) + 1):
        report = {'step': step, 'loss': 1 / step}
        if str(step) in values['marks'].split(','):
            report |= {'evaluationLoss': 2 / step, 'evaluationAccuracy': 0}
        print(json.dumps(report), flush=True)
    sys.exit()
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
`;

const python = torchPython();
const title = 'the PyTorch example: 4 × 5 cells with 2 seeds, one diverging, one killed, one hanging';
if (python === null)
  test.skip(
    `${title} (skipped: no PyTorch here; SURGE_TEST_TORCH=install fetches it, or name a Python that has it)`,
  );
else
  test(title, { timeout: 900_000 }, async () => {
    const text = readFileSync(join(resources, 'experiments/external-pytorch.yaml'), 'utf8');
    const example = parse(text) as SpecificationInput;
    if (example.workload.kind !== 'external') throw new Error('another workload');
    const [, script, ...rest] = example.workload.command;
    const file = folder.file('torch.yaml');
    const store = folder.file('torch.surge');
    writeFileSync(folder.file('wrapper.py'), WRAPPER);
    writeExperiment(file, {
      ...example,
      workload: {
        ...example.workload,
        folder: '.',
        command: [python, 'wrapper.py', join(resources, 'external', script), ...rest],
        silenceLimit: 30,
      },
      length: { steps: 30 },
    });
    const lab = startSurge(['run', file, '--store', store, '--json']);
    const waiting = () =>
      existsSync(folder.file('waits')) ? Number(readFileSync(folder.file('waits'), 'utf8')) : 0;
    await waitUntil('a program waits to be killed', () => waiting() > 0 || lab.child.exitCode !== null, 600);
    expect(lab.child.exitCode).toBeNull();
    process.kill(waiting(), 'SIGKILL');
    const { code, stdout, stderr } = await lab.finished;
    expect(code, stderr).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({
      experiments: [{ counts: { done: 37, diverged: 1, interrupted: 1, failed: 1 } }],
    });
    const again = await surgeJson(['run', file, '--store', store]);
    expect(again.value).toMatchObject({ experiments: [{ counts: { done: 38, diverged: 1, failed: 1 } }] });
    const last = await surgeJson(['resume', '--failed', '--store', store]);
    expect(last.value).toMatchObject({
      experiments: [{ end: 'complete', counts: { done: 39, diverged: 1 } }],
    });
    const reader = openStoreReadOnly(store);
    const [{ id }] = reader.experiments();
    const ofTorch = reader.cells(id).map(({ configuration }) => configuration.seed === 0);
    const { recorded, stride, values } = reader.curveSet(id, 'evaluationAccuracy');
    reader.close();
    const accuracies = [...recorded].map((marks, cell) =>
      ofTorch[cell] ? values[cell * stride + marks - 1] : 0,
    );
    // It learns: a guess is right once in ten.
    expect(Math.max(...accuracies.filter(Number.isFinite))).toBeGreaterThan(0.5);
  });
