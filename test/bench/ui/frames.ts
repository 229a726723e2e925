/** Work of frames, as the page's own clock sees it. */
import type { CDPSession, Page } from 'playwright-core';

/**
 * Runs `step(i)` (a script's text, in the page) once a frame for i = 0 … count − 1. Milliseconds of work in each frame:
 * from its first callback to the first task after it was painted.
 */
export async function workOfFrames(page: Page, count: number | string, step: string): Promise<number[]> {
  return page.evaluate(`new Promise((resolve) => {
    const step = ${step};
    const count = ${count};
    const frames = [];
    const channel = new MessageChannel();
    let start = 0;
    let i = 0;
    const move = () => {
      if (i >= count) return resolve(frames);
      requestAnimationFrame(() => (start = performance.now()));
      step(i++);
      requestAnimationFrame(() => channel.port2.postMessage(null));
    };
    channel.port1.onmessage = () => {
      frames.push(performance.now() - start);
      setTimeout(move);
    };
    move();
  })`);
}

export interface Cost {
  /** Processor time of the page's main thread, milliseconds. */
  readonly taskMs: number;
  readonly scriptMs: number;
  readonly styleMs: number;
  readonly layoutMs: number;
}

/** What the page's main thread spends on `work`, whatever else the machine does. */
export async function costOf<Result>(
  session: CDPSession,
  work: () => Promise<Result>,
): Promise<{ result: Result; cost: Cost }> {
  const read = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return (name: string) => metrics.find((one) => one.name === name)?.value ?? NaN;
  };
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const before = await read();
  const result = await work();
  const after = await read();
  await session.send('Performance.disable');
  const spent = (name: string) => 1_000 * (after(name) - before(name));
  return {
    result,
    cost: {
      taskMs: spent('TaskDuration'),
      scriptMs: spent('ScriptDuration'),
      styleMs: spent('RecalcStyleDuration'),
      layoutMs: spent('LayoutDuration'),
    },
  };
}

export function perFrame({ taskMs, scriptMs, styleMs, layoutMs }: Cost, frames: number): Cost {
  return {
    taskMs: taskMs / frames,
    scriptMs: scriptMs / frames,
    styleMs: styleMs / frames,
    layoutMs: layoutMs / frames,
  };
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
