/** What the text of a numeric field holds. */
export type ParsedNumber =
  | { readonly kind: 'number'; readonly value: number }
  /** NaN or an infinity, written out. */
  | { readonly kind: 'not-finite'; readonly value: number }
  | { readonly kind: 'empty' }
  | { readonly kind: 'text'; readonly text: string };

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NOT_FINITE = /^([+-]?)(nan|inf|infinity|1\.#inf|1\.#ind|1\.#qnan)$/i;
const EMPTY = /^(?:na|n\/a|null|none|-|--)?$/i;

/** Reads a number strictly: "3e-4" is one, "3e-4 (best)" and "0x10" are not. `decimalComma` reads 0,003 as 0.003. */
export function parseNumber(text: string | undefined, decimalComma = false): ParsedNumber {
  const trimmed = (text ?? '').trim();
  if (EMPTY.test(trimmed)) return { kind: 'empty' };
  const plain = decimalComma ? trimmed.replace(',', '.') : trimmed;
  if (NUMBER.test(plain)) {
    const value = Number(plain);
    return Number.isFinite(value) ? { kind: 'number', value } : { kind: 'not-finite', value };
  }
  const special = NOT_FINITE.exec(plain);
  if (special !== null) {
    const infinite = /inf/i.test(special[2]);
    return { kind: 'not-finite', value: infinite ? (special[1] === '-' ? -Infinity : Infinity) : NaN };
  }
  return { kind: 'text', text: trimmed };
}
