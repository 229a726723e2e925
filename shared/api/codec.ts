/**
 * One message as one binary frame, for every transport that carries bytes:
 *
 *   uint32 (little-endian)  bytes of the header
 *   header                  JSON in UTF-8, padded with spaces so that the sections start at a multiple of 8
 *   sections                the bytes of the typed arrays, each at a multiple of 8
 *
 * In the header a typed array is {"$":["f64",offset,length]}, offset in bytes from the first section. What JSON cannot
 * say is {"$":"NaN"}, "Infinity", "-Infinity", "-0" and "undefined"; an object that has a member "$" of its own is
 * {"$":{…}}. Float64 arrays whose values are all float32 values travel as those and come back as Float64 arrays: curves
 * are measured in single precision, so that they need half the bytes and lose nothing.
 */

/** Plain data that crosses: null, booleans, numbers, strings, undefined, arrays, plain objects, typed arrays. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const arrays = {
  f64: Float64Array,
  f32: Float32Array,
  u32: Uint32Array,
  i32: Int32Array,
  u16: Uint16Array,
  u8: Uint8Array,
} as const;
type ArrayTag = keyof typeof arrays;
type Section = InstanceType<(typeof arrays)[ArrayTag]>;
/** Float64 values that are float32 values. */
const NARROW = 'f64as32';

const HEADER_BYTES = 4;
const ALIGNMENT = 8;
/** Deeper data are refused on both sides: nothing of ours is deeper, and a hostile frame must not exhaust the stack. */
const MOST_DEPTH = 64;
/** Shorter arrays are not worth a look at every value. */
const WORTH_NARROWING = 256;

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function tagOf(value: object): ArrayTag | null {
  for (const [tag, kind] of Object.entries(arrays)) if (value instanceof kind) return tag as ArrayTag;
  return null;
}

function isNarrow(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Math.fround(value) !== value && !Number.isNaN(value)) return false;
  }
  return true;
}

/** Throws FrameError for what no message may hold (functions, dates, class instances, cycles). */
export function encodeFrame(message: unknown): Uint8Array<ArrayBuffer> {
  const sections: { readonly at: number; readonly values: Section }[] = [];
  let size = 0;
  const add = (tag: string, values: Section, length: number): unknown => {
    const at = size;
    sections.push({ at, values });
    size += aligned(values.byteLength);
    return { $: [tag, at, length] };
  };
  const plain = (value: unknown, depth: number): unknown => {
    if (depth > MOST_DEPTH) throw new FrameError('the message is nested too deeply');
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'undefined':
        return { $: 'undefined' };
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : { $: Object.is(value, -0) ? '-0' : String(value) };
      case 'object':
        break;
      default:
        throw new FrameError(`a ${typeof value} cannot be sent`);
    }
    if (value === null) return null;
    if (Array.isArray(value)) return Array.from(value, (item) => plain(item, depth + 1));
    const tag = tagOf(value);
    if (tag !== null) {
      const values = value as Section;
      if (values instanceof Float64Array && values.length >= WORTH_NARROWING && isNarrow(values))
        return add(NARROW, new Float32Array(values), values.length);
      return add(tag, values, values.length);
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null)
      throw new FrameError(`a ${value.constructor.name} cannot be sent`);
    const members = Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, plain(member, depth + 1)]),
    );
    return Object.hasOwn(members, '$') ? { $: members } : members;
  };
  const header = new TextEncoder().encode(JSON.stringify(plain(message, 0)));
  const start = aligned(HEADER_BYTES + header.length);
  const frame = new Uint8Array(start + size);
  new DataView(frame.buffer).setUint32(0, start - HEADER_BYTES, true);
  frame.set(header, HEADER_BYTES);
  frame.fill(0x20, HEADER_BYTES + header.length, start);
  for (const { at, values } of sections)
    frame.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), start + at);
  return frame;
}

/** The message of a frame. Typed arrays are views of the frame where alignment allows. Throws FrameError for any other bytes. */
export function decodeFrame(frame: Uint8Array): unknown {
  if (frame.byteLength < HEADER_BYTES) throw new FrameError('the frame is too short');
  const length = new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getUint32(0, true);
  const start = HEADER_BYTES + length;
  if (start > frame.byteLength || start % ALIGNMENT !== 0)
    throw new FrameError('the header does not fit into the frame');
  const bodyBytes = frame.byteLength - start;

  const section = (tag: unknown, at: unknown, count: unknown): Section => {
    if (typeof tag !== 'string' || !isIndex(at) || !isIndex(count))
      throw new FrameError('a typed array is not described well');
    const kind = tag === NARROW ? Float32Array : Object.hasOwn(arrays, tag) ? arrays[tag as ArrayTag] : null;
    if (kind === null) throw new FrameError(`there are no typed arrays "${tag.slice(0, 20)}"`);
    const bytes = count * kind.BYTES_PER_ELEMENT;
    if (at % ALIGNMENT !== 0 || at + bytes > bodyBytes)
      throw new FrameError('a typed array lies outside of the frame');
    const from = frame.byteOffset + start + at;
    const values =
      from % kind.BYTES_PER_ELEMENT === 0
        ? new kind(frame.buffer as ArrayBuffer, from, count)
        : new kind(copyOf(frame, start + at, bytes));
    return tag === NARROW ? new Float64Array(values) : values;
  };
  const revive = (value: unknown, depth: number): unknown => {
    if (depth > MOST_DEPTH) throw new FrameError('the message is nested too deeply');
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => revive(item, depth + 1));
    if (!Object.hasOwn(value, '$')) return reviveMembers(value, depth);
    const special = (value as { $: unknown }).$;
    if (Object.keys(value).length !== 1) throw new FrameError('"$" has no other members beside it');
    if (Array.isArray(special)) return section(special[0], special[1], special[2]);
    if (typeof special === 'object' && special !== null) return reviveMembers(special, depth);
    switch (special) {
      case 'undefined':
        return undefined;
      case 'NaN':
      case 'Infinity':
      case '-Infinity':
      case '-0':
        return Number(special);
      default:
        throw new FrameError('"$" does not say what it stands for');
    }
  };
  const reviveMembers = (value: object, depth: number): Record<string, unknown> =>
    // Unlike an assignment this makes "__proto__" a member like any other.
    Object.fromEntries(Object.entries(value).map(([name, member]) => [name, revive(member, depth + 1)]));

  let header: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(frame.subarray(HEADER_BYTES, start));
    header = JSON.parse(text);
  } catch {
    throw new FrameError('the header is not JSON');
  }
  return revive(header, 0);
}

/** Not `slice`, which is a view where the frame is a Buffer of Node. */
function copyOf(frame: Uint8Array, at: number, bytes: number): ArrayBuffer {
  const copy = new Uint8Array(bytes);
  copy.set(frame.subarray(at, at + bytes));
  return copy.buffer;
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
