/**
 * What the lab and its drawing process say to each other. On either pipe a message is its length (uint32, little-endian)
 * and a frame of shared/api/codec.ts.
 */
import type { Readable } from 'node:stream';
import type { ParsedArgument } from '#shared/api/contract.ts';
import type { ApiError } from '#shared/api/errors.ts';
import type { FigureFile, RidgeThumbnail } from '#shared/api/types.ts';
import { decodeFrame, encodeFrame } from '#shared/api/codec.ts';

interface Drawings {
  readonly figure: { readonly argument: ParsedArgument<'figures.render'>; readonly result: FigureFile[] };
  /** The argument is the key of an experiment. */
  readonly thumbnail: { readonly argument: string; readonly result: RidgeThumbnail };
}

export type DrawingKind = keyof Drawings;
export type DrawingArgument<Kind extends DrawingKind> = Drawings[Kind]['argument'];
export type DrawingResult<Kind extends DrawingKind> = Drawings[Kind]['result'];

export type DrawingRequest = {
  [Kind in DrawingKind]: {
    readonly id: number;
    readonly kind: Kind;
    /** The store's file, which the process opens for reading. */
    readonly file: string;
    readonly argument: DrawingArgument<Kind>;
  };
}[DrawingKind];

export type DrawingReply =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly error: { readonly code: ApiError['code']; readonly message: string; readonly path: string };
    };

const LENGTH_BYTES = 4;

export function packed(message: DrawingRequest | DrawingReply): Uint8Array {
  const frame = encodeFrame(message);
  const bytes = Buffer.alloc(LENGTH_BYTES + frame.length);
  bytes.writeUInt32LE(frame.length);
  bytes.set(frame, LENGTH_BYTES);
  return bytes;
}

/** The messages of a pipe, until it ends. Both ends are ours, so they are not checked again. */
export async function* messagesOf<Message>(pipe: Readable): AsyncGenerator<Message> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pipe as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    while (rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + rest.readUInt32LE();
      if (rest.length < end) break;
      yield decodeFrame(rest.subarray(LENGTH_BYTES, end)) as Message;
      rest = rest.subarray(end);
    }
  }
}
