/** Structural similarity of two grey pictures: Wang, Bovik, Sheikh and Simoncelli, IEEE TIP 13 (2004). */
export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  /** Rows from the top, 0 to 255. */
  readonly values: Float64Array;
}

const WINDOW = 8;
const STRIDE = 4;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

/** Mean over windows of 8 × 8 pixels; 1 for equal pictures. Sizes may differ by a pixel: what both have is compared. */
export function similarity(a: GreyPicture, b: GreyPicture): number {
  if (Math.abs(a.width - b.width) > 1 || Math.abs(a.height - b.height) > 1)
    throw new RangeError(
      `${a.width} × ${a.height} and ${b.width} × ${b.height} pixels are not the same picture`,
    );
  const [width, height] = [Math.min(a.width, b.width), Math.min(a.height, b.height)];
  let sum = 0;
  let windows = 0;
  for (let top = 0; top + WINDOW <= height; top += STRIDE)
    for (let left = 0; left + WINDOW <= width; left += STRIDE) {
      sum += windowSimilarity(a, b, left, top);
      windows++;
    }
  return sum / windows;
}

function windowSimilarity(a: GreyPicture, b: GreyPicture, left: number, top: number): number {
  let [sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0];
  for (let y = top; y < top + WINDOW; y++)
    for (let x = left; x < left + WINDOW; x++) {
      const [one, two] = [a.values[y * a.width + x], b.values[y * b.width + x]];
      sa += one;
      sb += two;
      saa += one * one;
      sbb += two * two;
      sab += one * two;
    }
  const n = WINDOW * WINDOW;
  const [ma, mb] = [sa / n, sb / n];
  const [va, vb, vab] = [saa / n - ma * ma, sbb / n - mb * mb, sab / n - ma * mb];
  return ((2 * ma * mb + C1) * (2 * vab + C2)) / ((ma * ma + mb * mb + C1) * (va + vb + C2));
}

/** From 8-bit channels, `channels` a pixel, of which the first three are red, green and blue. */
export function greyPicture(width: number, height: number, bytes: Uint8Array, channels: 3 | 4): GreyPicture {
  const values = new Float64Array(width * height);
  for (let i = 0; i < values.length; i++) {
    const at = i * channels;
    values[i] = 0.299 * bytes[at] + 0.587 * bytes[at + 1] + 0.114 * bytes[at + 2];
  }
  return { width, height, values };
}
