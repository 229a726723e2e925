/** `surge predict` as a user runs it: the ladder beside the measured ridge, kept, listed, and gone with its experiment. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SpecificationInput } from '#shared/experiment/specification.ts';
import type { StoredPrediction } from '#main/lab/store/types.ts';
import { openStore } from '#main/lab/store/index.ts';
import { surge, surgeJson, temporaryFolder, writeExperiment } from '../../support/cli.ts';
import { describeWithEngine } from '../../support/engine.ts';

const specification = {
  name: 'predicted',
  workload: {
    kind: 'quadratic',
    mu: [0.3, -0.5, 0.4],
    sigma: [1, 2, 1],
    hessian: [
      [1, -0.3, 0.4],
      [-0.3, 1, -0.2],
      [0.4, -0.2, 1],
    ],
  },
  optimizer: { kind: 'sign' },
  learningRates: { log: { from: 0.02, to: 2, count: 9 } },
  batchSizes: { list: [1, 4, 16, 64, 256] },
  seeds: 4,
  length: { steps: 4 },
} satisfies SpecificationInput;

interface Listed {
  readonly name: string;
  readonly predictions: readonly (StoredPrediction & {
    readonly measured: { readonly peak: object | null };
  })[];
}

const folder = temporaryFolder();
const store = ['--store', folder.file('lab.surge')];
const point = ['--step', '1', '--batch-size', '16', '--learning-rate', '0.02'];
const small = ['--samples', '400', '--hessian-examples', '50', '--probes', '8', '--draws', '12'];

describeWithEngine('surge predict', () => {
  beforeAll(async () => {
    const file = folder.file('experiment.yaml');
    writeExperiment(file, specification);
    const trained = await surge(['run', file, ...store, '--trainers', '2', '--threads', '1']);
    expect(trained.code, trained.stderr).toBe(0);
  });
  afterAll(() => folder.remove());

  it('keeps what it prints, and lists it beside the measured peak', async () => {
    const none = await surge(['predict', 'predicted', '--list', ...store]);
    expect(none.stdout).toContain('No prediction has been made for predicted yet');

    const answer = await surgeJson(['predict', 'predicted', ...point, ...small, '--line-search', ...store]);
    expect(answer.code).toBe(0);
    const value = answer.value as StoredPrediction & { readonly measured: { readonly points: object[] } };
    expect(value.point).toEqual({ batchSize: 16, learningRate: 0.02, seed: 0, step: 1 });
    expect(value.rungs.map(({ rung }) => rung)).toEqual([
      'small-batch',
      'erf',
      'sign-updates',
      'line-search',
    ]);
    expect(value.rungs.every(({ learningRates }) => learningRates.length === 5)).toBe(true);
    expect(value.measured.points).toHaveLength(5);
    expect(value.provenance.program).toMatch(/^\d+\.\d+\.\d+/);
    expect(value.warnings.map((warning) => warning.code)).toContain('too-few-samples');

    const text = await surge(['predict', 'predicted', ...point, ...small, ...store]);
    expect(text.code, text.stderr).toBe(0);
    for (const part of ['measured (equal steps)', 'sign-updates: Lemma 1', 'warning [too-few-samples]', '±'])
      expect(text.stdout).toContain(part);

    const listed = await surgeJson(['predict', 'predicted', '--list', ...store]);
    const { predictions } = listed.value as Listed;
    expect(predictions).toHaveLength(2);
    const [first, second] = predictions;
    expect(first.key).toBe(value.key);
    expect(first.rungs).toEqual(value.rungs);
    expect(first.measured.peak).not.toBeNull();
    // The same question has the same answer.
    expect(second.quantities).toEqual(first.quantities);
    expect(second.rungs).toEqual(first.rungs.slice(0, 3));

    const table = await surge(['predict', 'predicted', '--list', ...store]);
    expect(table.stdout.trim().split('\n')).toHaveLength(3);
  });

  it('answers without keeping while another process writes the store', async () => {
    const writer = openStore(folder.file('lab.surge'));
    try {
      const result = await surge(['predict', 'predicted', ...point, ...small, '--json', ...store]);
      expect(result.code, result.stderr).toBe(0);
      expect(result.stderr).toContain('The prediction is not kept');
      expect((JSON.parse(result.stdout) as { key: string | null }).key).toBeNull();
      expect(writer.predictions(writer.experiment('predicted').id)).toHaveLength(2);
    } finally {
      writer.close();
    }
  });

  it('says what is missing or wrong', async () => {
    const step = await surge(['predict', 'predicted', ...store]);
    expect(step.code).not.toBe(0);
    expect(step.stderr).toContain('--step');
    const unknown = await surge(['predict', 'nobody', '--list', ...store]);
    expect(unknown.code).not.toBe(0);
    expect(unknown.stderr).toContain('nobody');
  });
});
