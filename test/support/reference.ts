import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';

/** The read-only reference folder beside the checkout (golden values, real sweeps), or null when it is absent. */
export function referenceFolder(): string | null {
  const folder = fileURLToPath(new URL('../../../shared', import.meta.url));
  return existsSync(`${folder}/golden`) || existsSync(`${folder}/data`) ? folder : null;
}

/** A describe block that needs the reference folder; skipped with a message where that is absent. */
export function describeWithReference(name: string, body: (folder: string) => void): void {
  const folder = referenceFolder();
  if (folder === null) {
    describe(name, () => {
      it.skip('skipped: ../shared is absent', () => undefined);
    });
    return;
  }
  describe(name, () => body(folder));
}
