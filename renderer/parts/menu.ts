/** One line of a Menu. */
export interface MenuItem {
  readonly title: string;
  readonly danger?: boolean;
  /** Draws a line above. */
  readonly apart?: boolean;
  readonly run: () => void;
}
