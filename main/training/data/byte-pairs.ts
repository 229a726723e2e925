/** GPT-2's byte pairs (Radford and others 2019): text to tokens of a vocabulary of 50,257. */
import { createRequire } from 'node:module';
import type * as Tokenizer from 'gpt-tokenizer/encoding/r50k_base';
import { DataError } from './classification.ts';

/** Tokens 0 to 50,255 are those of text; 50,256 stands between documents and is kept for token files that have it. */
export const GPT2_VOCABULARY = 50_257;

const load = createRequire(import.meta.url);
const plainText = { disallowedSpecial: new Set<string>() };

/** `name` is said in messages. Words such as <|endoftext|> are ordinary text. @throws DataError where it is no UTF-8. */
export function bytePairs(name: string, bytes: Uint8Array): Int32Array {
  const text = utf8(name, bytes);
  // Its table of merges takes a moment, which only those who use it should wait for.
  const { encode } = load('gpt-tokenizer/encoding/r50k_base') as typeof Tokenizer;
  return Int32Array.from(encode(text, plainText));
}

function utf8(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new DataError(
      `${name}: is not UTF-8 text, which tokenizer: gpt2 needs; leave the tokenizer out to train on bytes`,
    );
  }
}
