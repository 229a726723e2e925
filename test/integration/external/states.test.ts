/** What programs do wrong, and the words for it; nothing that a value holds is ever read as a command. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import { openStoreReadOnly } from '#main/lab/store/index.ts';
import { surge, surgeJson, temporaryFolder, writeExperiment } from '../../support/cli.ts';
import { eventFile } from '../../support/event-files.ts';

const folder = temporaryFolder();
let number = 0;
let store = '';
let file = '';
beforeEach(() => {
  number++;
  store = folder.file(`${number}.surge`);
  file = folder.file(`${number}.yaml`);
});
afterAll(() => folder.remove());

type External = Extract<SpecificationInput['workload'], { kind: 'external' }>;

function write(workload: Omit<External, 'kind'>, change: Partial<SpecificationInput> = {}): void {
  writeExperiment(file, {
    name: 'program',
    workload: { kind: 'external', ...workload },
    optimizer: { kind: 'external', name: 'SGD' },
    learningRates: { list: [0.1] },
    batchSizes: { list: [1] },
    length: { steps: 5 },
    marks: { geometricPerDecade: 0, list: [1, 3] },
    ...change,
  });
}

function look() {
  const reader = openStoreReadOnly(store);
  try {
    const [{ id }] = reader.experiments();
    const curve = (metric: 'trainingLoss' | 'evaluationLoss' | 'evaluationAccuracy') => {
      const { recorded, values } = reader.curveSet(id, metric);
      return [...values.slice(0, recorded[0])];
    };
    return {
      cells: reader.cells(id),
      notices: reader.events(id).map(({ message }) => message),
      training: curve('trainingLoss'),
      evaluation: curve('evaluationLoss'),
      accuracy: curve('evaluationAccuracy'),
    };
  } finally {
    reader.close();
  }
}

/** A shell program that prints these lines and ends with this code. */
const saying = (lines: readonly string[], code = 0): Omit<External, 'kind'> => {
  writeFileSync(folder.file(`lines-${number}`), lines.map((line) => `${line}\n`).join(''));
  return { command: [`cat lines-${number}; exit ${code}`], shell: true };
};
const report = (step: number, loss: number) =>
  `{"step": ${step}, "loss": ${loss}, "evaluationLoss": ${2 * loss}}`;
const whole = [1, 2, 3, 4, 5].map((step) => report(step, 1 / step));

describe('a program that does not come to its end', () => {
  test.each<[string, () => Omit<External, 'kind'>, string, RegExp]>([
    [
      'is not there',
      () => ({ command: ['no-such-program', '{seed}'] }),
      'failed',
      /^workload\.command: there is no program "no-such-program" \(neither in the working folder nor on the PATH\)$/,
    ],
    [
      'may not be run',
      () => {
        writeFileSync(folder.file('not-executable.sh'), '#!/bin/sh\n', { mode: 0o644 });
        return { command: ['./not-executable.sh'] };
      },
      'failed',
      /^workload\.command: "\.\/not-executable\.sh" may not be run/,
    ],
    [
      'ends with an error',
      () => saying([report(1, 1), 'Traceback', 'ValueError: \u001b[31mbad\u001b[0m value'], 3),
      'failed',
      /^the program ended with exit code 3 at step 1 of 5: Traceback \| ValueError: bad value$/,
    ],
    [
      'prints garbage',
      () => ({ command: ['head -c 300000 /dev/urandom; echo; echo "{step: 1}"'], shell: true }),
      'failed',
      /^the program ended without an error, but it reported no results: nothing had step and one of loss, /,
    ],
    [
      'says nothing',
      () => ({ command: ['true'] }),
      'failed',
      /^the program ended without an error, but it reported no results/,
    ],
    [
      'counts steps from zero',
      () => saying([0, 1, 2, 3, 4].map((step) => report(step, 1))),
      'failed',
      /^the program ended without an error, but its last report was at step 4 of 5 \(step 0 was reported: steps are counted from 1\)$/,
    ],
    [
      'takes too long',
      () => ({ command: ['while true; do echo working; sleep 0.1; done'], shell: true, timeLimit: 3 }),
      'failed',
      /^ended at its time limit of 3 s, before its first report: working/,
    ],
    [
      'says that memory ran out',
      () => saying([report(1, 1), 'torch.OutOfMemoryError: CUDA out of memory.'], 1),
      'out-of-memory',
      /^out of memory at step 1 of 5: torch/,
    ],
    [
      'is killed inside a shell',
      () => ({ command: ['sh -c "kill -9 \\$\\$"; exit $?'], shell: true }),
      'interrupted',
      /^the program was killed from outside \(exit code 137: SIGKILL\) before its first report$/,
    ],
    [
      'crashes',
      () => ({ command: ['kill -SEGV $$'], shell: true }),
      'failed',
      /^the program crashed \(SIGSEGV\) before its first report$/,
    ],
  ])('%s', async (_, workload, state, reason) => {
    write(workload());
    const { code, stderr } = await surgeJson(['run', file, '--store', store]);
    expect(code, stderr).toBe(4);
    const [cell] = look().cells;
    expect(cell.state).toBe(state);
    expect(cell.reason).toMatch(reason);
  });

  test('three times at once holds the sweep', async () => {
    write({ command: ['no-such-program'] }, { batchSizes: { list: [1, 2, 4, 8, 16] } });
    const { code, value } = await surgeJson(['run', file, '--store', store]);
    expect(code).toBe(3);
    expect(value).toMatchObject({ experiments: [{ end: 'held', counts: { failed: 3, planned: 2 } }] });
    expect(JSON.stringify(value)).toContain(
      '3 stacks failed at once for the same reason: workload.command: there is no',
    );
  });
});

describe('results', () => {
  test('are JSON lines of the output, in any order, whatever else is printed', async () => {
    write(
      saying([
        '{"step": 3, "loss": 0.3, "evaluationLoss": 3}',
        '{}',
        '[1]',
        'step 1',
        ...whole.filter((_, i) => i !== 2),
      ]),
    );
    const { code, stderr } = await surgeJson(['run', file, '--store', store]);
    expect(code, stderr).toBe(0);
    const { training, evaluation } = look();
    expect(training).toEqual([1, 0.5, 0.3, 0.25, 0.2].map(Math.fround));
    expect(evaluation).toEqual([2, 3, 0.4].map(Math.fround));
  });

  test('much output at once is read to its end', async () => {
    const program = String.raw`BEGIN { for (i = 1; i <= 200000; i++) printf "{\"step\":%d,\"loss\":%d}\n", i, i % 7 }`;
    writeFileSync(folder.file('much.awk'), program);
    write({ command: ['awk', '-f', 'much.awk'] }, { length: { steps: 200_000 } });
    const { code, stderr } = await surgeJson(['run', file, '--store', store]);
    expect(code, stderr).toBe(0);
    const { training } = look();
    expect(training).toHaveLength(200_000);
    expect(training.every((loss, i) => loss === (i + 1) % 7)).toBe(true);
  });

  test('a mark without a value ends the curve, and the reader is told', async () => {
    write(saying([1, 2, 4, 5].map((step) => report(step, step))));
    const { code, stderr } = await surgeJson(['run', file, '--store', store]);
    expect(code, stderr).toBe(0);
    const { evaluation, training, notices } = look();
    expect(evaluation).toEqual([2]);
    expect(training).toEqual([1, 2]);
    expect(notices.join('\n')).toContain(
      'evaluationLoss was not reported at 1 of 3 marks (3): its curve ends before the first of them; report it at exactly these steps',
    );
    expect(notices.join('\n')).toContain('loss was not reported at 1 of 5 steps (3)');
  });

  test('a loss above the limit ends the program, with its own words', async () => {
    const endless =
      'i=0; while true; do i=$((i+1)); echo "{\\"step\\":$i,\\"loss\\":$((i*i*10))}"; sleep 0.05; done';
    write({ command: [endless], shell: true, divergesAbove: 100 }, { length: { steps: 1000 } });
    const { code, stderr } = await surgeJson(['run', file, '--store', store]);
    expect(code, stderr).toBe(0);
    const { cells, training } = look();
    expect(cells[0]).toMatchObject({
      state: 'diverged',
      divergedAt: 4,
      reason: 'loss above 100 at step 4 (loss was 160)',
    });
    expect(training.slice(0, 4)).toEqual([10, 40, 90, 160]);

    // Made anew from journal and spools, the store says the same.
    const rebuilt = await surge(['doctor', '--rebuild', '--store', store]);
    expect(rebuilt.code, rebuilt.stderr).toBe(0);
    expect(look().cells).toEqual(cells);
  });

  test('from a CSV that grows, with other names', async () => {
    const script =
      'f="$SURGE_OUTPUT/log.csv"; printf "it,valid\\n" > "$f"; for i in 1 2 3 4 5; do sleep 0.1; printf "$i,0.$i\\n" >> "$f"; done; echo "$i,nonsense,3" >> "$f"';
    write({
      command: [script],
      shell: true,
      results: { from: 'csv', file: 'log.csv' },
      metrics: { step: 'it', evaluationLoss: 'valid' },
    });
    const { code, stderr } = await surgeJson(['run', file, '--store', store]);
    expect(code, stderr).toBe(0);
    const { evaluation, notices } = look();
    expect(evaluation).toEqual([0.1, 0.3, 0.5].map(Math.fround));
    expect(notices.join('\n')).toMatch(
      /1 rows of .*log\.csv were left out \(line 7: 3 fields where the header has 2\)/,
    );
  });

  test('from TensorBoard event files', async () => {
    const scalars = [1, 2, 3, 4, 5].flatMap((step) => [
      { tag: 'train/loss', step, value: step },
      { tag: 'val/loss', step, value: 10 * step },
      { tag: 'val/accuracy', step, value: step / 10 },
    ]);
    writeFileSync(folder.file('ready'), eventFile(scalars));
    write({
      command: [
        'mkdir -p "$SURGE_OUTPUT/runs/a"; cp ready "$SURGE_OUTPUT/runs/a/events.out.tfevents.1.host"',
      ],
      shell: true,
      files: ['ready'],
      results: { from: 'tensorboard', folder: 'runs' },
      metrics: { trainingLoss: 'train/loss', evaluationLoss: 'val/loss', evaluationAccuracy: 'val/accuracy' },
    });
    const { code, stderr } = await surgeJson(['run', file, '--store', store]);
    expect(code, stderr).toBe(0);
    const { evaluation, training, accuracy } = look();
    expect(training).toEqual([1, 2, 3, 4, 5]);
    expect(evaluation).toEqual([10, 30, 50]);
    expect(accuracy).toEqual([0.1, 0.3, 0.5].map(Math.fround));
  });

  test('missing files are named', async () => {
    write({ command: ['true'], results: { from: 'csv' } });
    await surgeJson(['run', file, '--store', store]);
    expect(look().cells[0].reason).toMatch(/reported no results.*; .*metrics\.csv is missing or empty$/);
  });

  test('what an earlier attempt wrote is not taken for results', async () => {
    const script =
      'test -e "$SURGE_OUTPUT/metrics.csv" && exit 9; test -e second && exit 0; touch second; printf "step,loss\\n5,1\\n" > "$SURGE_OUTPUT/metrics.csv"; exit 1';
    write({ command: [script], shell: true, results: { from: 'csv' } });
    await surgeJson(['run', file, '--store', store]);
    expect(look().cells[0].reason).toMatch(/exit code 1 at step 5/);
    await surgeJson(['resume', '--failed', '--store', store]);
    expect(look().cells[0].reason).toMatch(/metrics\.csv is missing or empty/);
  });
});

describe('nothing that a value holds is read as a command', () => {
  const evil = [
    '; touch PWNED',
    '$(touch PWNED)',
    '`touch PWNED`',
    '| touch PWNED',
    "'; touch PWNED; '",
    '{seed} & touch PWNED',
  ];
  /** The store's folder, which {output} names, and the optimizer are as bad as the arguments. */
  const place = () => folder.file('out $(touch PWNED); touch PWNED');

  test('without a shell every argument arrives as it was written', async () => {
    mkdirSync(place(), { recursive: true });
    store = join(place(), 'a.surge');
    writeFileSync(
      folder.file('argv.py'),
      `import json, os, sys\nprint(json.dumps({'step': 5, 'loss': 1}))\nopen(os.path.join(sys.argv[1], 'seen'), 'w').write(json.dumps([sys.argv[2:], os.environ['VALUE'], os.environ['SURGE_OPTIMIZER_SETTINGS']]))\n`,
    );
    write(
      {
        command: [
          'python3',
          'argv.py',
          '{output}',
          '{optimizer}',
          ...evil,
          '--lr={learningRate}',
          '{unknown}',
        ],
        environment: { VALUE: '$(touch PWNED) {batchSize}' },
      },
      { optimizer: { kind: 'external', name: '$(touch PWNED)', settings: { beta: '{output}' } } },
    );
    const { code, stderr } = await surge(['run', file, '--store', store]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('{unknown} is handed over as it is');
    const output = readdirSync(`${store}.spool`).find((name) => name.endsWith('.output'))!;
    const seen: unknown = JSON.parse(readFileSync(join(`${store}.spool`, output, 'seen'), 'utf8'));
    const removed = await surge(['delete', 'program', '--yes', '--store', store]);
    expect(removed.code, removed.stderr).toBe(0);
    // Log and output folder too.
    expect(readdirSync(`${store}.spool`).filter((name) => name.startsWith('stack-'))).toEqual([]);
    expect(seen).toEqual([
      ['$(touch PWNED)', ...evil.map((text) => text.replace('{seed}', '0')), '--lr=0.1', '{unknown}'],
      '$(touch PWNED) 1',
      '{"beta":"{output}"}',
    ]);
    expect(existsSync(folder.file('PWNED'))).toBe(false);
  });

  test('a shell gets the values in its environment only', async () => {
    mkdirSync(place(), { recursive: true });
    store = join(place(), 'b.surge');
    write(
      {
        command: ['echo "{\\"step\\":5,\\"loss\\":1}"; echo "$SURGE_OPTIMIZER" > "$SURGE_OUTPUT/seen"'],
        shell: true,
      },
      { optimizer: { kind: 'external', name: '$(touch PWNED)' } },
    );
    const { code, stderr } = await surge(['run', file, '--store', store]);
    expect(code, stderr).toBe(0);
    expect(existsSync(folder.file('PWNED'))).toBe(false);
    const output = readdirSync(`${store}.spool`).find((name) => name.endsWith('.output'))!;
    expect(readFileSync(join(`${store}.spool`, output, 'seen'), 'utf8')).toBe('$(touch PWNED)\n');

    write({ command: ['echo {output}'], shell: true });
    const refused = await surge(['check', file]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(
      'a shell gets no {output}, since it would read the value as shell text; write "$SURGE_OUTPUT"',
    );
  });
});

describe('GPUs and threads', () => {
  test('are dealt so that no two cells share one', async () => {
    const script =
      'd=$(echo "$CUDA_VISIBLE_DEVICES" | tr , " "); for g in $d; do mkdir "lock-$g" || exit 7; done; echo "$CUDA_VISIBLE_DEVICES $OMP_NUM_THREADS $SURGE_THREADS" >> dealt; sleep 0.5; for g in $d; do rmdir "lock-$g"; done; echo "{\\"step\\":5,\\"loss\\":1}"';
    write({ command: [script], shell: true, gpus: 2 }, { batchSizes: { list: [1, 2, 4, 8, 16, 32] } });
    const { code, stderr } = await surgeJson([
      'run',
      file,
      '--store',
      store,
      '--devices',
      'a,b,GPU-c,d,e',
      '--threads',
      '3',
    ]);
    expect(code, stderr).toBe(0);
    const dealt = readFileSync(folder.file('dealt'), 'utf8').trim().split('\n');
    expect(dealt).toHaveLength(6);
    expect(new Set(dealt)).toEqual(new Set(['a,b 3 3', 'GPU-c,d 3 3']));
  });

  test('too few of them are told before anything starts', async () => {
    write({ command: ['true'], gpus: 3 });
    for (const command of ['check', 'run']) {
      const { code, stderr } = await surge([
        command,
        file,
        '--devices',
        '0,1',
        ...(command === 'run' ? ['--store', store] : []),
      ]);
      expect(code).not.toBe(0);
      expect(stderr).toContain('workload.gpus: a cell needs 3 GPUs, but here are 2');
    }
  });
});

test('check explains what would be run', async () => {
  writeFileSync(folder.file('train.sh'), 'true\n');
  write({ command: ['sh', 'train.sh', '--lr', '{learningRate}'], timeLimit: 3600, divergesAbove: 20 });
  const { code, stdout, stderr } = await surge(['check', file]);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('program: external, SGD');
  expect(stdout).toContain('program: "sh" "train.sh" "--lr" "0.1"');
  expect(stdout).toContain('new cells when a file changes: train.sh');
  expect(stdout).toContain('diverged above a loss of 20');
  expect(stdout).toContain('cost unknown');
  write({ command: ['sh', 'train.sh'], files: ['gone.sh'] });
  const gone = await surge(['check', file]);
  expect(gone.code).not.toBe(0);
  expect(gone.stderr).toMatch(/workload\.files: .*gone\.sh cannot be read \(ENOENT\)/);
});
