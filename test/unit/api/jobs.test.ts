import { describe, expect, it, vi } from 'vitest';
import type { Job } from '#shared/api/types.ts';
import { Jobs, type JobReport } from '#main/lab/api/jobs.ts';
import { Session } from '#main/lab/api/session.ts';

const explain = (error: unknown) => `It failed: ${(error as Error).message}`;

/** An installation whose every turn the test decides. */
function installer() {
  const turns = Promise.withResolvers<string>();
  let report: JobReport = () => expect.fail('not started');
  const work = vi.fn((say: JobReport) => {
    report = say;
    return turns.promise;
  });
  return { work, say: (...words: Parameters<JobReport>) => report(...words), ...turns };
}

function watched() {
  const heard: Job[] = [];
  const session = new Session(
    { acquire: () => expect.fail('nothing is watched'), release: () => undefined },
    () => undefined,
  );
  const jobs = new Jobs((job) => {
    heard.push(job);
    session.jobChanged(job);
  });
  return { jobs, heard, session };
}

describe('jobs', () => {
  it('tell of an installation as it proceeds, and of its end', async () => {
    const { jobs, heard } = watched();
    const install = installer();
    const id = jobs.start('engine-install', 'Installing the engine', install.work, explain);
    expect(jobs.isRunning('engine-install')).toBe(true);
    install.say('Fetching TensorFlow', 0.25);
    install.say('Building the addon', null);
    install.resolve('TensorFlow 2.21.0 (cpu) is ready.');
    await vi.waitFor(() => expect(heard.at(-1)?.done).toBe(true));
    const job = { id, kind: 'engine-install', done: false, error: null };
    expect(heard).toEqual([
      { ...job, message: 'Installing the engine', share: null },
      { ...job, message: 'Fetching TensorFlow', share: 0.25 },
      { ...job, message: 'Building the addon', share: null },
      { ...job, message: 'TensorFlow 2.21.0 (cpu) is ready.', share: 1, done: true },
    ]);
    expect(jobs.isRunning('engine-install')).toBe(false);
  });

  it('are one of a kind: whoever asks again follows the first', async () => {
    const { jobs, heard } = watched();
    const [first, second, other] = [installer(), installer(), installer()];
    const id = jobs.start('engine-install', 'Installing', first.work, explain);
    expect(jobs.start('engine-install', 'Installing', second.work, explain)).toBe(id);
    expect(second.work).not.toHaveBeenCalled();
    expect(jobs.start('measure', 'Measuring', other.work, explain)).not.toBe(id);
    first.resolve('done');
    await vi.waitFor(() => expect(jobs.isRunning('engine-install')).toBe(false));
    expect(jobs.isRunning('measure')).toBe(true);
    expect(jobs.start('engine-install', 'Installing', second.work, explain)).not.toBe(id);
    expect(second.work).toHaveBeenCalledOnce();
    expect(heard.filter(({ done }) => done)).toHaveLength(1);
  });

  it('end with words when they fail, and can be started again', async () => {
    const { jobs, heard } = watched();
    const install = installer();
    const id = jobs.start('engine-install', 'Installing the engine', install.work, explain);
    install.say('Fetching TensorFlow', 0.5);
    install.reject(new Error('no connection to the registry'));
    await vi.waitFor(() => expect(jobs.isRunning('engine-install')).toBe(false));
    expect(heard.at(-1)).toEqual({
      ...{ id, kind: 'engine-install', message: 'Installing the engine' },
      ...{ share: null, done: true, error: 'It failed: no connection to the registry' },
    });
    expect(jobs.start('engine-install', 'Installing the engine', installer().work, explain)).not.toBe(id);
  });

  it('reach a window that does not keep up as they are now, not as they were', () => {
    const { jobs, session } = watched();
    const install = installer();
    jobs.start('engine-install', 'Installing the engine', install.work, explain);
    for (let i = 1; i <= 100; i++) install.say('Fetching TensorFlow', i / 100);
    expect(session.take()).toMatchObject({ name: 'job.changed', payload: { share: 1, done: false } });
    expect(session.take()).toBeNull();
  });
});
