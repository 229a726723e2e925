/** What tests of the training loop and the trainer process share: jobs, and curves read back from spool files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metric } from '#shared/experiment/stack.ts';
import type { SpoolLine, StackJob } from '#main/training/protocol.ts';
import { optimizers, smallQuadratic, TEST_THREADS } from './engine.ts';

/** A small job whose files lie in `folder`. */
export function smallJob(folder: string, changes: Partial<StackJob> = {}): StackJob {
  const steps = changes.steps ?? 40;
  return {
    type: 'job',
    stack: 'a-stack',
    workload: smallQuadratic,
    optimizer: optimizers.adam,
    batchSize: 4,
    learningRates: [0.01, 0.1],
    seeds: [0, 1],
    steps,
    marks: [1, 10, steps],
    evaluationExamples: 40,
    recordTrainingLoss: true,
    streams: 'common',
    dataChecksum: '',
    mode: 'compiled',
    threads: TEST_THREADS,
    chunkSteps: 8,
    spoolFile: join(folder, 'spool.jsonl'),
    checkpointFile: join(folder, 'checkpoint.safetensors'),
    checkpointSeconds: 1000,
    ...changes,
  };
}

export interface Spool {
  readonly lines: readonly SpoolLine[];
  /** Lines that are not JSON, as a killed trainer may leave one. */
  readonly broken: number;
  /** Bytes of every point of a metric, the last written ones where a point was written twice; [point] → hexadecimal. */
  curve(metric: Metric): string[];
  values(metric: Metric): Float32Array[];
  count(event: SpoolLine['event']): number;
}

export function readSpool(file: string): Spool {
  const lines: SpoolLine[] = [];
  let broken = 0;
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    if (text === '') continue;
    try {
      lines.push(JSON.parse(text) as SpoolLine);
    } catch {
      broken++;
    }
  }
  const rows = (metric: Metric) => {
    const found: Buffer[] = [];
    for (const line of lines) {
      if (line.event !== 'curve' || line.metric !== metric) continue;
      const bytes = Buffer.from(line.values, 'base64');
      const width = line.cells * 4;
      for (let p = 0; p < line.points; p++)
        found[line.first + p] = bytes.subarray(p * width, (p + 1) * width);
    }
    return found;
  };
  return {
    lines,
    broken,
    curve: (metric) => rows(metric).map((row) => row.toString('hex')),
    values: (metric) => rows(metric).map((row) => new Float32Array(new Uint8Array(row).buffer)),
    count: (event) => lines.filter((line) => line.event === event).length,
  };
}
