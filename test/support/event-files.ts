/** Writes TensorBoard event files: a small encoder of its own, so that the reader is not tested against itself. */

/** CRC-32C bit by bit, then masked (tensorflow/core/lib/hash/crc32c.h). */
function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const key = (field: number, wire: number) => varint((field << 3) | wire);
const integer = (field: number, value: number | bigint) => Buffer.concat([key(field, 0), varint(value)]);
const bytes = (field: number, value: Uint8Array) =>
  Buffer.concat([key(field, 2), varint(value.length), value]);

function double(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleLE(value);
  return buffer;
}

function float(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeFloatLE(value);
  return buffer;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}

/** How writers of different ages store a scalar. */
export const encodings = {
  /** Summary.Value.simple_value, a float. */
  simple: (value: number) => Buffer.concat([key(2, 5), float(value)]),
  /** A float tensor with packed float_val, as tf.summary.scalar writes it. */
  floats: (value: number) =>
    bytes(8, Buffer.concat([integer(1, 1), bytes(2, Buffer.alloc(0)), bytes(5, float(value))])),
  /** A float tensor with tensor_content. */
  content: (value: number) => bytes(8, Buffer.concat([integer(1, 1), bytes(4, float(value))])),
  doubles: (value: number) => bytes(8, Buffer.concat([integer(1, 2), bytes(6, double(value))])),
  integers: (value: number) => bytes(8, Buffer.concat([integer(1, 3), bytes(7, varint(BigInt(value)))])),
  integerContent: (value: number) => bytes(8, Buffer.concat([integer(1, 3), bytes(4, int32(value))])),
  /** A tensor of two elements: no scalar. */
  pair: (value: number) =>
    bytes(
      8,
      Buffer.concat([
        integer(1, 1),
        bytes(2, bytes(2, integer(1, 2))),
        bytes(4, Buffer.concat([float(value), float(value)])),
      ]),
    ),
} as const;

export interface ScalarInput {
  readonly tag: string;
  readonly step: number;
  readonly value: number;
  readonly encoding?: keyof typeof encodings;
}

/** One Event with one value. */
export function event({ tag, step, value, encoding = 'simple' }: ScalarInput): Buffer {
  const summary = bytes(1, Buffer.concat([bytes(1, Buffer.from(tag)), encodings[encoding](value)]));
  return Buffer.concat([key(1, 1), double(1_700_000_000 + step), integer(2, step), bytes(5, summary)]);
}

/** The first event of every file. */
export const versionEvent = Buffer.concat([
  key(1, 1),
  double(1_700_000_000),
  bytes(3, Buffer.from('brain.Event:2')),
]);

export function record(data: Uint8Array): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  const crcs = [length, data].map((part) => {
    const crc = Buffer.alloc(4);
    crc.writeUInt32LE(maskedCrc(part));
    return crc;
  });
  return Buffer.concat([length, crcs[0], data, crcs[1]]);
}

export function eventFile(scalars: readonly ScalarInput[]): Buffer {
  return Buffer.concat([versionEvent, ...scalars.map(event)].map(record));
}
