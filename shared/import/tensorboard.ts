/**
 * Scalars of TensorBoard event files. A file is a row of TFRecords (length as uint64, its masked CRC-32C, the bytes,
 * their masked CRC-32C; all little-endian), each an Event of tensorflow/core/util/event.proto. Only the fields that a
 * scalar needs are read.
 */

/** Records longer than this are no scalars; a damaged length would otherwise ask for any amount of memory. */
const LONGEST_RECORD = 256 * 1024 * 1024;
const HEADER = 12;
const FOOTER = 4;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  // Castagnoli polynomial, reflected.
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0x82f63b78 : 0);
  return value;
});

/** CRC-32C (RFC 3720, appendix B.4), then masked as TFRecord does, since CRCs of data with CRCs in it are weak. */
export function maskedCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff];
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

export type TensorRecord =
  | { readonly kind: 'record'; readonly data: Uint8Array }
  /** The record's bytes do not have its checksum; the next record can still be found. */
  | { readonly kind: 'damaged' }
  /** The length itself is damaged: nothing behind it can be found. */
  | { readonly kind: 'lost' }
  /** The file ends within a record: its writer was stopped, or is at work still. */
  | { readonly kind: 'truncated' };

/** The records of a file that arrives in chunks of any size; memory is one record and one chunk. */
export async function* tensorRecords(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<TensorRecord> {
  let held = new Uint8Array(0);
  for await (const chunk of chunks) {
    const joined = new Uint8Array(held.length + chunk.length);
    joined.set(held);
    joined.set(chunk, held.length);
    held = joined;
    let at = 0;
    while (held.length - at >= HEADER) {
      const view = new DataView(held.buffer, held.byteOffset + at);
      const length = Number(view.getBigUint64(0, true));
      if (view.getUint32(8, true) !== maskedCrc32c(held.subarray(at, at + 8)) || length > LONGEST_RECORD) {
        yield { kind: 'lost' };
        return;
      }
      if (held.length - at < HEADER + length + FOOTER) break;
      const data = held.subarray(at + HEADER, at + HEADER + length);
      const intact = view.getUint32(HEADER + length, true) === maskedCrc32c(data);
      yield intact ? { kind: 'record', data } : { kind: 'damaged' };
      at += HEADER + length + FOOTER;
    }
    held = held.subarray(at);
  }
  if (held.length > 0) yield { kind: 'truncated' };
}

interface Field {
  readonly number: number;
  /** A varint or fixed number as bytes, or the bytes of a length-delimited field. */
  readonly wire: 0 | 1 | 2 | 5;
  readonly bytes: Uint8Array;
  readonly varint: bigint;
}

class MalformedMessage extends Error {}

/** The fields of a protobuf message in their order (protobuf.dev, "Encoding"). */
function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= bytes.length) break;
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MalformedMessage();
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = key >>> 3;
    const wire = key & 7;
    if (wire === 0) {
      yield { number, wire, bytes: bytes.subarray(at, at), varint: varint() };
      continue;
    }
    if (wire !== 1 && wire !== 2 && wire !== 5) throw new MalformedMessage();
    const length = wire === 2 ? Number(varint()) : wire === 1 ? 8 : 4;
    if (length > bytes.length - at) throw new MalformedMessage();
    yield { number, wire, bytes: bytes.subarray(at, at + length), varint: 0n };
    at += length;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** tensorflow.DataType of the scalars that writers store, with their width in bytes and how they are read. */
const types = new Map<number, readonly [number, (view: DataView) => number]>([
  [1, [4, (view) => view.getFloat32(0, true)]],
  [2, [8, (view) => view.getFloat64(0, true)]],
  [3, [4, (view) => view.getInt32(0, true)]],
  [9, [8, (view) => Number(view.getBigInt64(0, true))]],
]);
/** Fields of TensorProto that hold values of these types when tensor_content is not used. */
const typedFields = new Map([
  [1, 5],
  [2, 6],
  [3, 7],
  [9, 10],
]);

/** The value of a TensorProto with one element, null for any other. */
function scalarOf(tensor: Uint8Array): number | null {
  let type = 0;
  let elements = 1n;
  let content = new Uint8Array(0);
  const typed = new Map<number, Field>();
  for (const field of fieldsOf(tensor)) {
    if (field.number === 1) type = Number(field.varint);
    else if (field.number === 2) {
      for (const dimension of fieldsOf(field.bytes)) {
        if (dimension.number !== 2 || dimension.wire !== 2) continue;
        for (const { number, varint } of fieldsOf(dimension.bytes)) if (number === 1) elements *= varint;
      }
    } else if (field.number === 4) content = Uint8Array.from(field.bytes);
    else typed.set(field.number, field);
  }
  const known = types.get(type);
  if (known === undefined || elements !== 1n) return null;
  const [width, read] = known;
  if (content.length === width) return read(viewOf(content));
  const field = typed.get(typedFields.get(type)!);
  if (field === undefined) return null;
  const integer = type === 3 || type === 9;
  if (!integer) return field.bytes.length === width ? read(viewOf(field.bytes)) : null;
  if (field.wire === 0) return Number(BigInt.asIntN(64, field.varint));
  // Packed integers are varints: read as the only field of a message.
  for (const { varint } of fieldsOf(Uint8Array.of(0, ...field.bytes)))
    return Number(BigInt.asIntN(64, varint));
  return null;
}

export interface TensorScalar {
  readonly tag: string;
  readonly step: number;
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly value: number;
}

/** The scalars of one Event; null when the bytes are no Event. Images, histograms and the like are passed over. */
export function scalarsOf(event: Uint8Array): TensorScalar[] | null {
  try {
    let wallTime = NaN;
    let step = 0;
    const values: { tag: string; value: number }[] = [];
    for (const field of fieldsOf(event)) {
      if (field.number === 1 && field.wire === 1) wallTime = viewOf(field.bytes).getFloat64(0, true);
      else if (field.number === 2 && field.wire === 0) step = Number(BigInt.asIntN(64, field.varint));
      else if (field.number === 5 && field.wire === 2)
        for (const { number, wire, bytes } of fieldsOf(field.bytes)) {
          if (number !== 1 || wire !== 2) continue;
          let tag = '';
          let value: number | null = null;
          for (const part of fieldsOf(bytes)) {
            if (part.number === 1 && part.wire === 2) tag = new TextDecoder().decode(part.bytes);
            else if (part.number === 2 && part.wire === 5) value = viewOf(part.bytes).getFloat32(0, true);
            else if (part.number === 8 && part.wire === 2) value = scalarOf(part.bytes);
          }
          if (value !== null) values.push({ tag, value });
        }
    }
    return values.map(({ tag, value }) => ({ tag, step, wallTime, value }));
  } catch (error) {
    if (error instanceof MalformedMessage) return null;
    throw error;
  }
}
