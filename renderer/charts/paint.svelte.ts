/** The theme's colors as the canvas and the figure code need them: values, not variables. */
import type { Style } from '#shared/figure/style.ts';
import { printStyle } from '#shared/figure/style.ts';
import { rgb } from 'd3';
import { lineColor, orderedPlace } from '#shared/figure/colors.ts';

export interface Paint {
  readonly isDark: boolean;
  readonly ink: string;
  readonly muted: string;
  readonly faint: string;
  readonly paper: string;
  readonly line: string;
  readonly accent: string;
  readonly bad: string;
  /** Under the cross of a diverged place. */
  readonly divergedFill: string;
}

/** Lengths of the figures are points; on the screen a point is this many pixels. */
export const PIXELS_PER_POINT = 1.6;

function read(): Paint {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const isDark = document.documentElement.dataset.theme === 'dark';
  return {
    isDark,
    ink: color('--ink'),
    muted: color('--ink-2'),
    faint: color('--line-strong'),
    paper: color('--paper'),
    line: color('--line'),
    accent: color('--accent'),
    bad: color('--bad'),
    divergedFill: isDark ? '#3b3b3b' : '#d9d9d9',
  };
}

class ThemePaint {
  now: Paint = $state.raw(read());

  constructor() {
    new MutationObserver(() => (this.now = read())).observe(document.documentElement, {
      attributes: true,
      attributeFilter: ['data-theme'],
    });
  }

  /** The print style with the theme's ink. */
  readonly style: Style = $derived({
    ...printStyle,
    textSize: 6.9,
    noteSize: 6.9,
    axisWidth: 0.625,
    ink: this.now.ink,
    mutedInk: this.now.muted,
    paper: this.now.paper,
  });
}

export const theme = new ThemePaint();

/** Dark lines of the print colors would drown in a dark page: there the other end of the map is used. */
const DARKEST_ON_DARK = 0.3;

/** Color of the i-th of n ordered lines: on white paper the same as in print. */
export function orderedColor(index: number, count: number, paint: Paint): string {
  const place = orderedPlace(index, count);
  if (!paint.isDark) return lineColor(place);
  return lineColor(DARKEST_ON_DARK / 0.87 + place * ((0.98 - DARKEST_ON_DARK) / 0.87));
}

/** A translucent version for bands. */
export function translucent(color: string, opacity: number): string {
  const value = rgb(color);
  value.opacity = opacity;
  return value.formatRgb();
}
