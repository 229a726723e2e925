/** The web host's frames have a limit; what Electron carries has none of its own. */
const MOST_BYTES = 16 << 20;
const MEMBER_BYTES = 8;

/** Whether a call's argument weighs more than any honest one. Stops counting there, and knows cycles. */
export function isTooHeavy(argument: unknown): boolean {
  let bytes = 0;
  const seen = new Set<object>();
  const waiting: unknown[] = [argument];
  while (waiting.length > 0) {
    const value = waiting.pop();
    bytes += MEMBER_BYTES;
    if (typeof value === 'string') bytes += 2 * value.length;
    else if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) bytes += value.byteLength;
    else if (typeof value === 'object' && value !== null && !seen.has(value)) {
      seen.add(value);
      // A list may be long without having members.
      if (Array.isArray(value)) bytes += MEMBER_BYTES * value.length;
      if (bytes > MOST_BYTES) return true;
      for (const [name, member] of membersOf(value)) {
        bytes += 2 * name.length;
        waiting.push(member);
      }
    }
    if (bytes > MOST_BYTES) return true;
  }
  return false;
}

function membersOf(value: object): [string, unknown][] {
  if (value instanceof Map)
    return [...value].flatMap(([key, member]) => [
      ['', key],
      ['', member],
    ]);
  if (value instanceof Set) return [...value].map((member) => ['', member]);
  return Object.entries(value);
}
