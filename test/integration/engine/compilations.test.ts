import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { findNode } from '#main/setup/node.ts';
import { describeWithEngine, optimizers } from '../../support/engine.ts';

const CHILD = fileURLToPath(new URL('chunks-child.ts', import.meta.url));

describeWithEngine('compilation', () => {
  it('is done once a program, whatever the chunks and the schedule', async () => {
    const { stderr } = await promisify(execFile)(
      findNode(),
      ['--disable-warning=ExperimentalWarning', CHILD],
      {
        env: {
          ...process.env,
          NODE_OPTIONS: '',
          TF_CPP_MIN_LOG_LEVEL: '0',
          TF_CPP_VMODULE: 'device_compilation_profiler=1',
        },
      },
    );
    const times = [...stderr.matchAll(/Compiled chunk (\d+) times/g)].map(([, count]) => Number(count));
    expect(times).toEqual(Object.keys(optimizers).map(() => 1));
  });
});
