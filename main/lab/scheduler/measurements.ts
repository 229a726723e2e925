/** What calibration finds out about this machine and an experiment. */
import type { MemoryModel } from '#main/training/memory/need.ts';
import type { Measurement } from '#main/training/protocol.ts';

export interface Calibration {
  readonly dataChecksum: string;
  readonly threads: number;
  /** How much memory a stack needs. */
  readonly memory: MemoryModel;
  /** Memory of a trainer that kept larger stacks from being measured; null where none was kept from it. */
  readonly cutAtBytes: number | null;
  readonly measurements: readonly Measurement[];
  /** Stack shapes that could not be trained here, and why. */
  readonly failures: readonly {
    readonly batchSize: number;
    readonly cells: number;
    readonly message: string;
  }[];
}
