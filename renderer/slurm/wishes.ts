/** What is asked of Slurm, as it is typed, and as the lab takes it. The last wishes are proposed the next time. */
import { calls, type CallArgument } from '#shared/api/contract.ts';
import type { AboutSlurm } from '#shared/api/types.ts';

const REMEMBERED = 'surge.slurm';

/** Texts of the form's fields; '' is not given. */
export interface Wishes {
  folder: string;
  partition: string;
  time: string;
  gres: string;
  mem: string;
  account: string;
  arrayLimit: string;
  stacksPerTask: string;
  cellsPerStack: string;
  threads: string;
  template: string;
  sbatch: string;
}

export type WishName = keyof Wishes;

export function proposedWishes({ folder, templates }: AboutSlurm): Wishes {
  const usual: Wishes = {
    folder,
    ...{ partition: '', time: '', gres: '', mem: '', account: '', arrayLimit: '', sbatch: '' },
    ...{ stacksPerTask: '4', cellsPerStack: '48', threads: '2', template: templates[0] ?? 'job' },
  };
  try {
    const before = JSON.parse(localStorage.getItem(REMEMBERED) ?? '{}') as Partial<Record<WishName, unknown>>;
    for (const name of Object.keys(usual) as WishName[]) {
      const value = before[name];
      if (typeof value === 'string' && (name !== 'template' || templates.includes(value)))
        usual[name] = value;
    }
  } catch {
    // What was remembered is not readable: the usual wishes.
  }
  return usual;
}

export function rememberWishes(wishes: Wishes): void {
  localStorage.setItem(REMEMBERED, JSON.stringify(wishes));
}

type Options = Omit<CallArgument<'slurm.submit'>, 'experiment'>;

/** Checked by the contract itself, so that the form and the lab never disagree. */
export function readWishes(
  wishes: Wishes,
): { readonly options: Options } | { readonly problems: Partial<Record<WishName, string>> } {
  const { sbatch, arrayLimit, stacksPerTask, cellsPerStack, threads, ...texts } = wishes;
  const given = Object.entries(texts)
    .map(([name, text]) => [name, text.trim()] as const)
    .filter(([name, text]) => text !== '' || name === 'folder');
  const number = (text: string) => (/^\s*\d+\s*$/.test(text) ? Number(text) : NaN);
  const others = sbatch.split(/\s+/).filter((word) => word !== '');
  const argument = {
    experiment: 'checked',
    ...Object.fromEntries(given),
    ...{
      stacksPerTask: number(stacksPerTask),
      cellsPerStack: number(cellsPerStack),
      threads: number(threads),
    },
    ...(arrayLimit.trim() === '' ? {} : { arrayLimit: number(arrayLimit) }),
    ...(others.length === 0 ? {} : { sbatch: others }),
  };
  const parsed = calls['slurm.submit'].argument.safeParse(argument);
  if (parsed.success) {
    const { experiment: _, ...options } = parsed.data;
    return { options };
  }
  const problems: Partial<Record<WishName, string>> = {};
  for (const { path, message, code } of parsed.error.issues) {
    const name = path[0] as WishName;
    problems[name] ??= code === 'invalid_type' ? 'must be a whole number above 0' : message;
  }
  return { problems };
}
