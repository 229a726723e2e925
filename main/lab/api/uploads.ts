/**
 * Files that a window brings: chunk by chunk into a folder of the lab, under names of the lab's choosing. A window names
 * an upload, never a path; it goes with its window, or after an hour.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiError } from '#shared/api/errors.ts';

const MOST_BYTES = 4 * 2 ** 30;
const MOST_UPLOADS = 8;
const KEEP_MILLISECONDS = 60 * 60 * 1000;
/** The store beside it must not run out of space for an import. */
const LEAVE_FREE_BYTES = 256 * 2 ** 20;

interface Upload {
  readonly owner: object;
  readonly file: string;
  readonly bytes: number;
  received: number;
  time: number;
}

export class Uploads {
  readonly #place: () => string | null;
  #folder: string | null = null;
  readonly #uploads = new Map<string, Upload>();

  /** `place`: the folder to use, or null for one of the system's temporary ones. */
  constructor(place: () => string | null) {
    this.#place = place;
  }

  begin(owner: object, name: string, bytes: number): string {
    this.#removeOld();
    if (bytes > MOST_BYTES)
      throw new ApiError(
        'bad-argument',
        `The file has ${bytes} bytes; at most ${MOST_BYTES} can be sent from a window.`,
        'bytes',
      );
    const own = [...this.#uploads].filter(([, upload]) => upload.owner === owner);
    for (const [oldest] of own.slice(0, Math.max(0, own.length - MOST_UPLOADS + 1))) this.#remove(oldest);
    const folder = this.#makeFolder();
    const { bavail, bsize } = statfsSync(folder);
    if (bytes > bavail * bsize - LEAVE_FREE_BYTES)
      throw new ApiError('disk-full', `There is not enough space for ${name}: free some and try again.`);
    const key = randomBytes(16).toString('hex');
    const own_ = join(folder, key);
    mkdirSync(own_);
    const file = join(own_, safeName(name));
    closeSync(openSync(file, 'wx', 0o600));
    this.#uploads.set(key, { owner, file, bytes, received: 0, time: Date.now() });
    return key;
  }

  /** Chunks come in order; one that came already is not written twice. Returns the bytes received so far. */
  append(owner: object, key: string, offset: number, chunk: Uint8Array): number {
    const upload = this.#own(owner, key);
    if (offset !== upload.received) {
      if (offset + chunk.length <= upload.received) return upload.received;
      throw new ApiError(
        'bad-argument',
        `The next byte of this upload is ${upload.received}, not ${offset}.`,
        'offset',
      );
    }
    if (offset + chunk.length > upload.bytes)
      throw new ApiError('bad-argument', `More bytes came than were announced (${upload.bytes}).`, 'bytes');
    const descriptor = openSync(upload.file, 'r+');
    try {
      let written = 0;
      while (written < chunk.length)
        written += writeSync(descriptor, chunk, written, chunk.length - written, offset + written);
    } finally {
      closeSync(descriptor);
    }
    upload.received += chunk.length;
    upload.time = Date.now();
    return upload.received;
  }

  /** The path of a complete upload. */
  file(owner: object, key: string): string {
    const upload = this.#own(owner, key);
    if (upload.received !== upload.bytes)
      throw new ApiError(
        'not-possible',
        `Only ${upload.received} of ${upload.bytes} bytes have come.`,
        'upload',
      );
    upload.time = Date.now();
    return upload.file;
  }

  removeOf(owner: object): void {
    for (const [key, upload] of this.#uploads) if (upload.owner === owner) this.#remove(key);
  }

  close(): void {
    for (const key of this.#uploads.keys()) this.#remove(key);
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = null;
  }

  #own(owner: object, key: string): Upload {
    const upload = this.#uploads.get(key);
    if (upload === undefined || upload.owner !== owner)
      throw new ApiError('not-found', 'This upload is gone: choose the file again.', 'upload');
    return upload;
  }

  #remove(key: string): void {
    this.#uploads.delete(key);
    if (this.#folder !== null) rmSync(join(this.#folder, key), { recursive: true, force: true });
  }

  #removeOld(): void {
    for (const [key, { time }] of this.#uploads) if (Date.now() - time > KEEP_MILLISECONDS) this.#remove(key);
  }

  #makeFolder(): string {
    if (this.#folder !== null) return this.#folder;
    const place = this.#place();
    if (place === null) return (this.#folder = mkdtempSync(join(tmpdir(), 'surge-uploads-')));
    mkdirSync(place, { recursive: true, mode: 0o700 });
    // Left by a lab that was killed: this one has the store to itself.
    for (const name of readdirSync(place)) rmSync(join(place, name), { recursive: true, force: true });
    if (!statSync(place).isDirectory()) throw new ApiError('not-possible', `${place} is not a folder.`);
    return (this.#folder = place);
  }
}

/** One segment of a path, whatever was sent: it chooses presets and is shown, and it is nowhere trusted. */
function safeName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? '';
  const plain = last.replaceAll(/[^\p{L}\p{N}._ ()=,+-]/gu, '_').replace(/^\.+/, '');
  const bytes = Buffer.from(plain);
  return bytes.length <= 200 && plain !== '' ? plain : `file${/\.[\w]{1,10}$/.exec(plain)?.[0] ?? ''}`;
}
