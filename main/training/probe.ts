/**
 * A process that looks at one point of one run: trains the cell to a step, then searches along its updates, or estimates
 * the quantities of the theory there. One request on standard input, one JSON line on file descriptor 3.
 */
import { writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { dataChecksumOf } from './build-stack.ts';
import { openEngine } from './engine/open-engine.ts';
import { freezeCell } from './local/frozen-cell.ts';
import { lineSearch } from './local/line-search.ts';
import { predictAt } from './local/predict.ts';
import type { ProbeReply, ProbeRequest } from './local/request.ts';

const CONTROL_DESCRIPTOR = 3;

async function answer(request: ProbeRequest): Promise<ProbeReply> {
  const { tf, provenance } = openEngine(request.threads);
  const frozen = await freezeCell(tf, request.cell, request.step);
  const { workload, optimizer, evaluationExamples, gradientClipping, microBatch } = request.cell;
  const source = { workload, optimizer, evaluationExamples, gradientClipping, microBatch };
  const changes: (number | null)[][] = [];
  if (request.lineSearch !== null)
    for (const batchSize of request.lineSearch.batchSizes) {
      const values = await lineSearch(tf, { ...source, ...request.lineSearch }, frozen, batchSize);
      // JSON has no NaN: null is a step that left the numbers.
      changes.push(Array.from(values, (x) => (Number.isFinite(x) ? x : null)));
    }
  return {
    type: 'answer',
    evaluationLoss: frozen.evaluationLoss,
    changes,
    prediction: request.prediction === null ? null : await predictAt(tf, source, frozen, request.prediction),
    dataChecksum: dataChecksumOf(workload, evaluationExamples),
    engine: provenance,
  };
}

const request = JSON.parse(await text(process.stdin)) as ProbeRequest;
let reply: ProbeReply;
try {
  reply = await answer(request);
} catch (error) {
  reply = { type: 'failed', message: error instanceof Error ? error.message : String(error) };
}
writeSync(CONTROL_DESCRIPTOR, `${JSON.stringify(reply)}\n`);
process.exit(reply.type === 'answer' ? 0 : 1);
