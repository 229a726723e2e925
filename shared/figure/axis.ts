/** What an axis is: where its values stand, and its ticks. */
import type { Face } from './fonts.ts';
import type { Label } from './spans.ts';

export interface Tick {
  readonly value: number;
  readonly place: number;
  /** Null for an unlabelled tick. */
  readonly label: Label | null;
  readonly major: boolean;
}

export interface AxisRoom {
  /** Length of the axis in points. */
  readonly length: number;
  readonly textSize: number;
  readonly face: Face;
  readonly direction: 'horizontal' | 'vertical';
}

export interface Axis {
  readonly scale: 'linear' | 'log';
  /** Whether values fall along the axis. */
  readonly descending: boolean;
  readonly domain: readonly [number, number];
  /** 0 at the start of the axis, 1 at its end, beyond these outside of the domain; null where the value has no place. */
  place(value: number): number | null;
  /** Ascending; labels never overlap in the given room. */
  ticks(room: AxisRoom): Tick[];
}
