import { median } from 'd3';

/** What happened in a soak, and what went wrong. Everything in `losses` must be 0. */
export interface Tally {
  readonly started: number;
  rounds: number;
  readonly events: Record<string, number>;
  /** SIGKILLs only. */
  kills: number;
  readonly losses: {
    cellsLost: number;
    resultsThatDiffer: number;
    copiesThatDoNotOpen: number;
    copiesThatDiffer: number;
    leakedProcesses: number;
    leakedFiles: number;
    wrongExits: number;
    leakedDescriptors: number;
    megabytesGrown: number;
  };
  /** In words, for finding the cause. */
  readonly notes: string[];
  readonly host: { descriptors: number[]; residentBytes: number[] };
}

export function newTally(): Tally {
  return {
    started: Date.now(),
    rounds: 0,
    events: {},
    kills: 0,
    losses: {
      cellsLost: 0,
      resultsThatDiffer: 0,
      copiesThatDoNotOpen: 0,
      copiesThatDiffer: 0,
      leakedProcesses: 0,
      leakedFiles: 0,
      wrongExits: 0,
      leakedDescriptors: 0,
      megabytesGrown: 0,
    },
    notes: [],
    host: { descriptors: [], residentBytes: [] },
  };
}

/** More open files than this at the end than at first are a leak; connections come and go. */
const SPARE_DESCRIPTORS = 8;
/** A heap breathes: growth up to this share of the memory at first is none. */
const SPARE_SHARE = 0.25;

/** Compares the host's first visits with its last ones. */
export function judgeHost({ losses, host: { descriptors, residentBytes } }: Tally): void {
  const few = Math.max(1, Math.floor(descriptors.length / 4));
  const growth = (list: readonly number[]) => {
    const [first, last] = [median(list.slice(0, few)) ?? 0, median(list.slice(-few)) ?? 0];
    return { first, more: last - first };
  };
  const [open, memory] = [growth(descriptors), growth(residentBytes)];
  if (open.more > SPARE_DESCRIPTORS) losses.leakedDescriptors = Math.round(open.more);
  if (memory.more > SPARE_SHARE * memory.first) losses.megabytesGrown = Math.round(memory.more / 1e6);
}

export function count(tally: Tally, event: string, kills = 0): void {
  tally.events[event] = (tally.events[event] ?? 0) + 1;
  tally.kills += kills;
}

export function isClean({ losses }: Tally): boolean {
  return Object.values(losses).every((number) => number === 0);
}

export function report(tally: Tally, seed: number): string {
  const minutes = (Date.now() - tally.started) / 60_000;
  const lines = [
    `Soak of ${minutes.toFixed(1)} min, seed ${seed}: ${tally.rounds} rounds, ${tally.kills} kills.`,
    '',
    ...Object.entries(tally.events)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([event, times]) => `${String(times).padStart(6)}  ${event}`),
    '',
    ...Object.entries(tally.losses).map(
      ([loss, times]) =>
        `${String(times).padStart(6)}  ${loss.replaceAll(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`)}`,
    ),
    '',
  ];
  const { descriptors, residentBytes } = tally.host;
  if (descriptors.length > 1) {
    const megabytes = residentBytes.map((bytes) => Math.round(bytes / 1e6));
    lines.push(
      `One host through it all: descriptors ${descriptors[0]} at first, ${descriptors.at(-1)} at last (most ${Math.max(...descriptors)}); memory ${megabytes[0]} MB, ${megabytes.at(-1)} MB (most ${Math.max(...megabytes)} MB).`,
    );
  }
  return [...lines, ...tally.notes.map((note) => `! ${note}`)].join('\n');
}
