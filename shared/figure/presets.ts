/**
 * Sizes and type of journals, conferences, slides and posters. A preset is data: files of the same form may be given
 * instead of a name. Where publishers state a range of type sizes, ours lies within it; Nature, Science and PLOS name
 * Helvetica or Arial, whose small letters are as high at 7 pt as DejaVu's at 6.5.
 */
import { z } from 'zod';
import { colorMaps, categorySets } from './colors.ts';

const millimetres = z.number().min(20).max(2_000);
const points = z.number().min(0.1).max(200);

export const presetSchema = z.strictObject({
  title: z.string().min(1),
  /** Of the whole figure. */
  width: millimetres,
  /** The figure may be lower, never higher. */
  maxHeight: millimetres,
  /** Whether the page is exactly `maxHeight` high: a slide. The figure is then drawn as large as fits. */
  fillsPage: z.boolean().default(false),
  /** Points. */
  textSize: points.min(4),
  /** Points, of curves. */
  lineWidth: points,
  face: z.enum(['sans', 'serif']).default('sans'),
  paper: z.enum(['light', 'dark']).default('light'),
  colorMap: z.enum(colorMaps).default('viridis'),
  categories: z.enum(categorySets).default('okabe-ito'),
});
export type Preset = z.output<typeof presetSchema>;

const defaults = {
  fillsPage: false,
  face: 'sans',
  paper: 'light',
  colorMap: 'viridis',
  categories: 'okabe-ito',
} as const;

// Widths 89 and 183 mm, at most 170 mm high, 5 to 7 pt, embedded TrueType fonts: research-figure-guide.nature.com,
// "Building and exporting figure panels". 120 mm: the one-and-a-half column of nature.com's final submission guide.
const nature = { ...defaults, maxHeight: 170, textSize: 6.5, lineWidth: 0.9 };
// Columns of 5.7, 12.1 and 18.4 cm (2.24, 4.76, 7.24 in), sans serif of at least 5 pt: science.org, instructions for
// revised manuscripts.
const science = { ...defaults, maxHeight: 230, textSize: 6.5, lineWidth: 0.9 };
// 3.5 and 7.16 in, at most 8.5 in high, 8 to 10 pt: journals.ieeeauthorcenter.ieee.org, "Resolution and size".
const ieee = { ...defaults, maxHeight: 216, textSize: 8, lineWidth: 1, face: 'serif' } as const;
// Text of 5.5 x 9 in, Times: \textwidth and \textheight in the style files of NeurIPS and ICLR. Half: two beside each
// other with 4 mm between.
const neurips = { ...defaults, maxHeight: 228, textSize: 7.5, lineWidth: 1, face: 'serif' } as const;
// Text of 6.75 x 9 in, Times: \textwidth and \textheight in icml2025.sty; with its \columnsep of 0.25 in the columns are 3.25 in.
const icml = { ...neurips };
// 2.63 to 7.5 in (6.68 to 19.05 cm) wide, at most 8.75 in (22.23 cm) high, Arial or Times of 8 to 12 pt:
// journals.plos.org, "Figures".
const plos = { ...defaults, maxHeight: 222.3, textSize: 8, lineWidth: 1 };
// 8.6 and 17.8 cm; capitals at least 2 mm high (7.8 pt in DejaVu), lines at least 0.18 mm (0.5 pt): journals.aps.org,
// "Style basics".
const aps = { ...defaults, maxHeight: 230, textSize: 8, lineWidth: 1 };
// A4 with margins of 30 mm, set in 11 pt.
const thesis = { ...defaults, maxHeight: 220, textSize: 9, lineWidth: 1.1, face: 'serif' } as const;

export const presets = {
  'nature-89': { ...nature, title: 'Nature, one column', width: 89 },
  'nature-120': { ...nature, title: 'Nature, one and a half columns', width: 120 },
  'nature-183': { ...nature, title: 'Nature, two columns', width: 183 },
  'science-57': { ...science, title: 'Science, one column', width: 57 },
  'science-121': { ...science, title: 'Science, two columns', width: 121 },
  'science-184': { ...science, title: 'Science, three columns', width: 184 },
  'ieee-89': { ...ieee, title: 'IEEE, one column', width: 88.9 },
  'ieee-181': { ...ieee, title: 'IEEE, two columns', width: 181 },
  'neurips-text': { ...neurips, title: 'NeurIPS, width of the text', width: 139.7 },
  'neurips-half': { ...neurips, title: 'NeurIPS, half of the text', width: 67.8 },
  'icml-text': { ...icml, title: 'ICML, both columns', width: 171.45 },
  'icml-column': { ...icml, title: 'ICML, one column', width: 82.55 },
  'iclr-text': { ...neurips, title: 'ICLR, width of the text', width: 139.7 },
  'iclr-half': { ...neurips, title: 'ICLR, half of the text', width: 67.8 },
  'plos-132': { ...plos, title: 'PLOS, column of text', width: 132 },
  'plos-190': { ...plos, title: 'PLOS, widest', width: 190.5 },
  'aps-86': { ...aps, title: 'Physical Review, one column', width: 86 },
  'aps-178': { ...aps, title: 'Physical Review, two columns', width: 178 },
  thesis: { ...thesis, title: 'Thesis on A4', width: 150 },
  // PowerPoint's and Keynote's wide page, 13.333 x 7.5 in; nothing below 18 pt is read from the last row.
  'slide-16-9': {
    ...defaults,
    title: 'Slide 16:9, dark',
    width: 338.667,
    maxHeight: 190.5,
    fillsPage: true,
    textSize: 18,
    lineWidth: 2.5,
    paper: 'dark',
  },
  'slide-16-9-light': {
    ...defaults,
    title: 'Slide 16:9, light',
    width: 338.667,
    maxHeight: 190.5,
    fillsPage: true,
    textSize: 18,
    lineWidth: 2.5,
  },
  // Half of an A0 page upright, read from 1.5 m.
  poster: {
    ...defaults,
    title: 'Poster, column of A0',
    width: 400,
    maxHeight: 500,
    textSize: 24,
    lineWidth: 3,
  },
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as PresetName[];

export function isPresetName(name: string): name is PresetName {
  return Object.hasOwn(presets, name);
}
