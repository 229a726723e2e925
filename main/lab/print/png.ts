/** PNG by resvg with the bundled faces only, so that the pixels are the same on every machine. */
import { crc32 } from 'node:zlib';
import { Resvg } from '@resvg/resvg-js';
import { fontFiles } from './fonts.ts';

export const fontOptions = {
  loadSystemFonts: false,
  fontFiles: [...fontFiles],
  defaultFontFamily: 'DejaVu Sans',
};

const MILLIMETRES_PER_INCH = 25.4;
/** After the signature of 8 bytes comes IHDR with 13 bytes of content and 12 around it. */
const AFTER_HEADER = 8 + 25;

/** `width` is the page's, in millimetres. */
export function toPng(svg: string, width: number, dpi: number): Buffer {
  const pixels = Math.max(1, Math.round((width / MILLIMETRES_PER_INCH) * dpi));
  const drawn = new Resvg(svg, { font: fontOptions, fitTo: { mode: 'width', value: pixels } })
    .render()
    .asPng();
  const resolution = physicalSize(dpi);
  return Buffer.concat([drawn.subarray(0, AFTER_HEADER), resolution, drawn.subarray(AFTER_HEADER)]);
}

/** The chunk pHYs: pixels a metre, the same in both directions (PNG specification, 11.3.4.3). */
function physicalSize(dpi: number): Buffer {
  const chunk = Buffer.alloc(4 + 4 + 9 + 4);
  const perMetre = Math.round((dpi / MILLIMETRES_PER_INCH) * 1_000);
  chunk.writeUInt32BE(9, 0);
  chunk.write('pHYs', 4, 'latin1');
  chunk.writeUInt32BE(perMetre, 8);
  chunk.writeUInt32BE(perMetre, 12);
  chunk.writeUInt8(1, 16);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 17)), 17);
  return chunk;
}
