/** Text with superscripts and subscripts. */
export interface Span {
  readonly text: string;
  readonly raised?: boolean;
  readonly lowered?: boolean;
  /** Symbols of quantities. */
  readonly italic?: boolean;
}
export type Label = readonly Span[];
