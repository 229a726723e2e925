/** A tidy table: one row an observation, every row, nothing sampled. */
export type Field = string | number | null;

export interface Column {
  readonly name: string;
  readonly type: 'text' | 'integer' | 'real';
}

export interface Table {
  /** File name without its ending. */
  readonly name: string;
  readonly columns: readonly Column[];
  readonly rows: () => Iterable<readonly Field[]>;
}

export const text = (name: string): Column => ({ name, type: 'text' });
export const integer = (name: string): Column => ({ name, type: 'integer' });
/** A number that may be non-finite, which is not the same as absent. */
export const real = (name: string): Column => ({ name, type: 'real' });
