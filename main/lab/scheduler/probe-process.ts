/** Runs main/training/probe.ts: one question about one point of a run, answered by a process of its own. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { withoutLibraryNotices } from '#main/setup/library-notices.ts';
import { findNode } from '#main/setup/node.ts';
import type { ProbeReply, ProbeRequest } from '#main/training/local/request.ts';

const PROBE = fileURLToPath(new URL('../../training/probe.ts', import.meta.url));

/** Throws in the process's own words when it could not answer. */
export async function probe(request: ProbeRequest): Promise<Extract<ProbeReply, { type: 'answer' }>> {
  const child = spawn(findNode(), ['--disable-warning=ExperimentalWarning', PROBE], {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  child.stdin!.on('error', () => {});
  child.stdin!.end(JSON.stringify(request));
  const [answer, errors] = await Promise.all([
    text(child.stdio[3] as Readable),
    text(child.stderr as Readable),
    new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => resolve());
    }),
  ]);
  if (answer === '')
    throw new Error(`the probing process ended early: ${withoutLibraryNotices(errors).trim()}`);
  const reply = JSON.parse(answer) as ProbeReply;
  if (reply.type === 'failed') throw new Error(reply.message);
  return reply;
}
