/** What the fields of a workload say about each other. */
import type { Problem } from './axis.ts';
import { externalProblems } from './external-problems.ts';
import type { Specification, WorkloadSpecification } from './specification.ts';

/** Digits that the package `mnist` ships. */
const DIGITS = 10_000;
/** Hessian entries may differ from their mirror images by rounding. */
const SYMMETRY = 1e-9;

type Of<Kind extends WorkloadSpecification['kind']> = Extract<WorkloadSpecification, { kind: Kind }>;

export function workloadProblems(specification: Specification): Problem[] {
  const { workload, optimizer, evaluation } = specification;
  if (workload.kind !== 'external' && optimizer.kind === 'external')
    return [
      {
        path: ['optimizer', 'kind'],
        message: 'external belongs to external workloads: choose one of the lab’s',
      },
    ];
  switch (workload.kind) {
    case 'external':
      return [
        ...(optimizer.kind === 'external'
          ? []
          : [
              {
                path: ['optimizer', 'kind'],
                message: `must be external for an external workload, whose program optimizes by itself: { kind: external, name: ${optimizer.kind} }`,
              },
            ]),
        ...externalProblems(workload),
      ];
    case 'quadratic':
      return quadraticProblems(workload);
    case 'mlp':
    case 'resnet18':
    case 'logistic':
      return [...imageDataProblems(workload.data, evaluation.examples), ...augmentationProblems(workload)];
    case 'cnn':
      return [
        ...imageDataProblems(workload.data, evaluation.examples),
        ...augmentationProblems(workload),
        ...cnnProblems(workload),
      ];
    case 'gpt':
    case 'moe':
      return transformerProblems(workload);
    case 'linear-regression':
      return heldOutProblems(workload.examples, evaluation.examples, 'examples');
  }
}

const at = (field: string, message: string): Problem => ({ path: ['workload', field], message });

function heldOutProblems(available: number, examples: number, what: string): Problem[] {
  if (examples < available) return [];
  const most = available.toLocaleString('en-US');
  return [
    {
      path: ['evaluation', 'examples'],
      message: `must be below ${most}, since there are that many ${what} and the rest is trained on (got ${examples})`,
    },
  ];
}

function imageDataProblems(data: Of<'mlp'>['data'], examples: number): Problem[] {
  switch (data.source) {
    case 'digits':
      return heldOutProblems(DIGITS, examples, 'digits');
    case 'spirals':
    case 'teacher':
      return heldOutProblems(data.examples, examples, 'examples');
    case 'csv':
    case 'set':
    case 'folder':
      return [];
    case 'idx':
    case 'numpy':
      return pairProblems(data);
  }
}

function augmentationProblems({ augmentation, data }: Pick<Of<'mlp'>, 'augmentation' | 'data'>): Problem[] {
  const plain = ['csv', 'spirals', 'teacher'].includes(data.source);
  return augmentation === undefined || !plain
    ? []
    : [at('augmentation', `needs images, and ${data.source} has plain rows of features`)];
}

function pairProblems(data: Extract<Of<'mlp'>['data'], { source: 'idx' | 'numpy' }>): Problem[] {
  if ((data.evaluationImages === undefined) === (data.evaluationLabels === undefined)) return [];
  const missing = data.evaluationImages === undefined ? 'evaluationImages' : 'evaluationLabels';
  return [
    {
      path: ['workload', 'data', missing],
      message: 'is missing: give evaluationImages and evaluationLabels together, or neither',
    },
  ];
}

function cnnProblems({ kernel, poolAfter, channels }: Of<'cnn'>): Problem[] {
  const problems: Problem[] = [];
  if (kernel % 2 === 0) problems.push(at('kernel', `must be odd (got ${kernel})`));
  poolAfter.forEach((layer, i) => {
    const path = ['workload', 'poolAfter', i];
    if (layer > channels.length)
      problems.push({ path, message: `there are ${channels.length} convolutions (got ${layer})` });
    else if (poolAfter.indexOf(layer) < i)
      problems.push({ path, message: `convolution ${layer} is listed twice` });
  });
  return problems;
}

function transformerProblems(workload: Of<'gpt' | 'moe'>): Problem[] {
  const problems: Problem[] = [];
  const { width, heads } = workload;
  if (width % heads !== 0)
    problems.push(at('heads', `must divide the width (${heads} heads, width ${width})`));
  if (workload.kind === 'moe' && workload.active > workload.experts)
    problems.push(at('active', `must not be above experts (${workload.active} of ${workload.experts})`));
  return problems;
}

function quadraticProblems(workload: Of<'quadratic'>): Problem[] {
  const { mu, sigma, hessian, start } = workload;
  const fields = { sigma, hessian, ...(start === undefined ? {} : { start }) };
  const problems: Problem[] = Object.entries(fields)
    .filter(([, values]) => values.length !== mu.length)
    .map(([field, values]) => ({
      path: ['workload', field],
      message: lengthMessage(values, mu),
    }));
  hessian.forEach((row, i) => {
    if (row.length !== mu.length)
      problems.push({
        path: ['workload', 'hessian', i],
        message: lengthMessage(row, mu),
      });
  });
  if (problems.length > 0) return problems;
  for (let i = 0; i < mu.length; i++)
    for (let j = 0; j < i; j++) {
      const [below, above] = [hessian[i][j], hessian[j][i]];
      if (Math.abs(below - above) > SYMMETRY * Math.max(Math.abs(below), Math.abs(above)))
        return [
          {
            path: ['workload', 'hessian', i, j],
            message: `must equal its mirror image, since a Hessian is symmetric (row ${i + 1}, column ${j + 1} is ${below}; row ${j + 1}, column ${i + 1} is ${above})`,
          },
        ];
    }
  return [];
}

function lengthMessage(values: readonly unknown[], mu: readonly number[]): string {
  return `has ${values.length} ${values.length === 1 ? 'entry' : 'entries'} where mu has ${mu.length}`;
}
