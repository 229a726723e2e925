import type { Path } from './tree.ts';

/** Plain data that a form shows and changes. */
export interface Editable {
  get(path: Path): unknown;
  /** undefined removes the field. */
  set(path: Path, value: unknown): void;
  /** What is wrong with a field, or (`inside`) with something in it; '' when nothing is. */
  problemAt(path: Path, inside?: boolean): string;
}
