/** One page of exactly the figure's size, its texts as text in embedded subsets of the bundled faces. */
import PDFDocument from 'pdfkit';
import SVGtoPDF from 'svg-to-pdfkit';
import { fontName } from '#shared/figure/fonts.ts';
import { POINTS_PER_MILLIMETRE, serialise, type SvgNode } from '#shared/figure/tree.ts';
import { fontFile } from './fonts.ts';

export interface PdfInformation {
  readonly title: string;
  readonly subject: string;
  /** Name and version of this program. */
  readonly creator: string;
}

/** Fixed, so that the same figure is the same file. */
const CREATED = new Date(0);

/** The tree's width and height are millimetres; so are `width` and `height`. */
export async function toPdf(
  tree: SvgNode,
  { width, height }: { readonly width: number; readonly height: number },
  information: PdfInformation,
): Promise<Buffer> {
  const size: [number, number] = [width * POINTS_PER_MILLIMETRE, height * POINTS_PER_MILLIMETRE];
  const document = new PDFDocument({
    size,
    margin: 0,
    // Otherwise Helvetica is opened, which a PDF may not embed.
    font: fontFile('DejaVuSans'),
    info: {
      Title: information.title,
      Subject: information.subject,
      Creator: information.creator,
      CreationDate: CREATED,
    },
  });
  const chunks: Buffer[] = [];
  document.on('data', (chunk: Buffer) => chunks.push(chunk));
  const written = new Promise<void>((resolve, reject) => {
    document.on('end', resolve);
    document.on('error', reject);
  });
  // Plain numbers: millimetres would be taken for pixels of a screen.
  const inPoints = { ...tree, attributes: { ...tree.attributes, width: size[0], height: size[1] } };
  SVGtoPDF(document, serialise(inPoints), 0, 0, {
    width: size[0],
    height: size[1],
    assumePt: true,
    fontCallback: (family, bold, italic) =>
      fontFile(fontName({ face: family.includes('Serif') ? 'serif' : 'sans', bold, italic })),
    warningCallback: (warning) => {
      throw new Error(`PDF: ${warning}`);
    },
  });
  document.end();
  await written;
  return Buffer.concat(chunks);
}
