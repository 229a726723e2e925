/** The long steps of set-up, in their order. */
export type SetupStep = 'wait' | 'look' | 'download' | 'unpack' | 'build' | 'done';

/** One report of progress: `fraction` in 0..1 of this step, or null where its length is not known. */
export interface SetupProgress {
  step: SetupStep;
  fraction: number | null;
  message: string;
}

export type OnProgress = (progress: SetupProgress) => void;

/** Bytes as people read them: `274 MB` (decimal units, as pip and disk makers count). */
export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}
