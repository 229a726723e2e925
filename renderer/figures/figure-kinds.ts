/** The kinds of figures that the page offers, and which of their fields it shows. */
import { figureSpecificationSchema } from '#shared/figure/specification.ts';
import { unionShape, type FieldShape } from '#renderer/form/fields.ts';

/** Who is drawn, how it is called and how large it is are asked elsewhere on the page. */
const ELSEWHERE = ['name', 'preset', 'experiment', 'experiments', 'widthMm'];

const titles = {
  ridge: 'Ridge with laws',
  'heat-map': 'Heat map',
  losses: 'Loss against learning rate',
  migration: 'Migration of the peak',
  protocol: 'The paper’s protocol',
  curves: 'Loss curves',
  states: 'States of the cells',
  prediction: 'Prediction from a frozen point',
  compare: 'Comparison',
} as const;

export interface FigureKind {
  readonly kind: string;
  readonly title: string;
  readonly fields: readonly FieldShape[];
  /** At least two experiments. */
  readonly compares: boolean;
}

export const figureKinds: readonly FigureKind[] = unionShape(figureSpecificationSchema).kinds.flatMap(
  ({ kind, fields }) =>
    kind in titles
      ? [
          {
            kind,
            title: titles[kind as keyof typeof titles],
            fields: fields.filter(({ name }) => !ELSEWHERE.includes(name)),
            compares: kind === 'compare',
          },
        ]
      : [],
);
