/** Images of one size: the shorter side scaled, the middle cut out. */

/** Height, width, channels: pixels lie row by row, the channels of a pixel together. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly pixels: Uint8Array | Int32Array | Float32Array;
}

/**
 * Scales the shorter side to `size` pixels by linear interpolation, whose triangle is widened when shrinking so that no
 * pixel is skipped (as Pillow's BILINEAR does), and cuts out the middle. Bytes [channels, size, size], rounded.
 */
export function fitted(picture: Picture, size: number): Uint8Array {
  const scale = size / Math.min(picture.height, picture.width);
  const height = Math.max(size, Math.round(picture.height * scale));
  const width = Math.max(size, Math.round(picture.width * scale));
  const top = Math.floor((height - size) / 2);
  const left = Math.floor((width - size) / 2);
  const rows = weights(picture.height, height, top, size);
  const columns = weights(picture.width, width, left, size);
  const { channels } = picture;
  const out = new Uint8Array(channels * size * size);
  const narrow = new Float32Array(size * picture.height * channels);
  for (let y = 0; y < picture.height; y++)
    columns.forEach(({ first, values }, x) => {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < values.length; k++)
          sum += values[k] * picture.pixels[(y * picture.width + first + k) * channels + c];
        narrow[(y * size + x) * channels + c] = sum;
      }
    });
  rows.forEach(({ first, values }, y) => {
    for (let x = 0; x < size; x++)
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < values.length; k++)
          sum += values[k] * narrow[((first + k) * size + x) * channels + c];
        out[(c * size + y) * size + x] = Math.round(sum);
      }
  });
  return out;
}

/** What each of `count` outputs from `offset` on takes from the inputs; weights of one output add up to 1. */
function weights(
  from: number,
  to: number,
  offset: number,
  count: number,
): { readonly first: number; readonly values: readonly number[] }[] {
  const step = from / to;
  const reach = Math.max(1, step);
  return Array.from({ length: count }, (_, i) => {
    const center = (offset + i + 0.5) * step - 0.5;
    const first = Math.max(0, Math.ceil(center - reach));
    const last = Math.min(from - 1, Math.floor(center + reach));
    const values = Array.from({ length: last - first + 1 }, (_unused, k) =>
      Math.max(0, 1 - Math.abs(first + k - center) / reach),
    );
    const total = values.reduce((sum, value) => sum + value, 0);
    return { first, values: values.map((value) => value / total) };
  });
}

/** Bytes [channels, height, width] of an image as it is. */
export function planes({ height, width, channels, pixels }: Picture): Uint8Array {
  const out = new Uint8Array(channels * height * width);
  for (let i = 0; i < height * width; i++)
    for (let c = 0; c < channels; c++) out[c * height * width + i] = pixels[i * channels + c];
  return out;
}
