/**
 * A process that draws: figures, and thumbnails of large experiments take seconds, in which the lab could answer nobody.
 * Requests on standard input, replies on file descriptor 3; it ends when its input does.
 */
import { writeSync } from 'node:fs';
import { openStoreReadOnly } from '../store/index.ts';
import { toApiError } from '../api/api-errors.ts';
import { renderFigure } from '../api/figures.ts';
import { thumbnailOf } from '../api/thumbnails.ts';
import type { ReadableStore } from '../store/types.ts';
import { messagesOf, packed, type DrawingReply, type DrawingRequest } from './messages.ts';

const REPLY_DESCRIPTOR = 3;

function draw(store: ReadableStore, request: DrawingRequest): unknown {
  switch (request.kind) {
    case 'figure':
      return renderFigure(store, request.argument);
    case 'thumbnail':
      return thumbnailOf(store, store.experiment(request.argument));
  }
}

async function answer(request: DrawingRequest): Promise<DrawingReply> {
  const { id, file } = request;
  let store: ReadableStore | undefined;
  try {
    store = openStoreReadOnly(file);
    return { id, ok: true, result: await draw(store, request) };
  } catch (error) {
    const { code, message, path } = toApiError(error, file);
    return { id, ok: false, error: { code, message, path } };
  } finally {
    store?.close();
  }
}

for await (const request of messagesOf<DrawingRequest>(process.stdin)) {
  const bytes = packed(await answer(request));
  for (let written = 0; written < bytes.length;) written += writeSync(REPLY_DESCRIPTOR, bytes, written);
}
process.exit(0);
