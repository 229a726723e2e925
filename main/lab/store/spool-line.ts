/** Reads one line of a trainer's spool. Nothing that a line can hold is fatal: a bad line gives the reason in words. */
import { z } from 'zod';
import { metrics, type Metric } from '#shared/experiment/stack.ts';
import type { EngineProvenance, SpoolLine } from '#main/training/protocol.ts';

/** A curve line with its values decoded: points × cells float32, point-major, exactly the bytes that were written. */
export interface CurveLine {
  readonly event: 'curve';
  readonly metric: Metric;
  readonly first: number;
  readonly points: number;
  readonly cells: number;
  readonly data: Buffer;
}

export type ParsedLine = Exclude<SpoolLine, { event: 'curve' }> | CurveLine;

const count = z.number().int().nonnegative();
/** Epoch milliseconds within the range of Date; a fraction is rounded where it is stored. */
const time = z.number().min(0).max(8.64e15);
const engineSchema: z.ZodType<EngineProvenance> = z.looseObject({
  backend: z.enum(['compiled', 'eager', 'external']),
  fallbackReason: z.string().nullable(),
  device: z.string(),
  threads: count,
  tensorflow: z.string(),
  tfjs: z.string(),
  node: z.string(),
  platform: z.string(),
  cpu: z.string(),
  chunkSteps: count,
});

const rareLine = z.discriminatedUnion('event', [
  z.looseObject({
    event: z.literal('start'),
    time,
    stack: z.string(),
    pid: count,
    host: z.string(),
    step: count,
    cells: count,
    engine: engineSchema,
    dataChecksum: z.string(),
  }),
  z.looseObject({
    event: z.literal('diverged'),
    cell: count,
    step: count,
    reason: z.string().optional(),
  }),
  z.looseObject({ event: z.literal('checkpoint'), time, step: count, file: z.string() }),
  z.looseObject({
    event: z.literal('finished'),
    time,
    step: count,
    trainMilliseconds: z.number(),
    evaluateMilliseconds: z.number(),
    compileMilliseconds: z.number(),
    peakResidentBytes: count,
  }),
  z.looseObject({
    event: z.literal('stopped'),
    time,
    step: count,
    reason: z.enum(['asked', 'out-of-memory', 'error', 'disk-full', 'killed']),
    message: z.string(),
  }),
]);

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function parseCurve(line: object): CurveLine {
  const { metric, first, points, cells, values } = line as Record<string, unknown>;
  const known = metrics.find((name) => name === metric);
  if (known === undefined) throw new Error(`metric: ${JSON.stringify(metric)} is not known`);
  if (!isCount(first)) throw new Error('first: not a whole number');
  if (!isCount(points) || points === 0) throw new Error('points: not a positive whole number');
  if (!isCount(cells) || cells === 0) throw new Error('cells: not a positive whole number');
  if (typeof values !== 'string') throw new Error('values: not text');
  const bytes = 4 * points * cells;
  // Buffer.from skips what is not base64, so the length of the text is checked as well as that of the bytes.
  if (values.length !== 4 * Math.ceil(bytes / 3)) {
    throw new Error(`values: ${values.length} characters do not hold ${points} × ${cells} values`);
  }
  const data = Buffer.from(values, 'base64');
  if (data.length !== bytes) throw new Error('values: not base64');
  return { event: 'curve', metric: known, first, points, cells, data };
}

/** Throws Error with the reason when the text is not a line of the protocol. */
export function parseSpoolLine(text: string): ParsedLine {
  const line: unknown = JSON.parse(text);
  if (typeof line !== 'object' || line === null) throw new Error('not an object');
  if ('event' in line && line.event === 'curve') return parseCurve(line);
  const result = rareLine.safeParse(line);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`);
}

/**
 * A trainer killed in the middle of a line leaves its beginning; the next trainer's first line may follow on the same
 * line. The text from there on, or null.
 */
export function secondLineIn(text: string): string | null {
  const start = text.lastIndexOf('{"event":');
  return start > 0 ? text.slice(start) : null;
}
