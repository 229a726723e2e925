/** What every page knows: the client, the lab's state as it is pushed, the route, actions and notices. */
import { createContext } from 'svelte';
import type { CallArgument, CallName, CallResult } from '#shared/api/contract.ts';
import type { LabClient } from '#shared/api/client.ts';
import type { AboutLab, ExperimentCard, Job, LabSettings, QueueState } from '#shared/api/types.ts';
import { Actions } from './actions.svelte.ts';
import { messageOf, Notices } from './notices.svelte.ts';
import { Router } from './router.svelte.ts';

type Rest<Name extends CallName> = undefined extends CallArgument<Name> ? [] : [argument: CallArgument<Name>];

/** Changes come in bursts while training; the list is read at most this often. */
const LIST_INTERVAL = 400;

export class Lab {
  readonly client: LabClient;
  readonly router = new Router();
  readonly actions = new Actions();
  readonly notices = new Notices();
  connection: 'open' | 'lost' = $state('open');
  /** Null until the first answer. */
  queue: QueueState | null = $state.raw(null);
  about: AboutLab | null = $state.raw(null);
  /** Newest first, archived ones included; null until the first answer. */
  experiments: readonly ExperimentCard[] | null = $state.raw(null);
  /** By id, as long as the window lives. */
  jobs: ReadonlyMap<string, Job> = $state.raw(new Map<string, Job>());
  readonly settings: LabSettings | null = $derived(this.about?.settings ?? null);
  readonly #ends: (() => void)[] = [];
  #listTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(client: LabClient) {
    this.client = client;
    this.#ends.push(
      client.onConnection((state) => {
        const isBack = this.connection === 'lost' && state === 'open';
        this.connection = state;
        if (isBack) this.refresh();
      }),
      client.on('queue.changed', (queue) => (this.queue = queue)),
      client.on('settings.changed', (settings) => {
        if (this.about !== null) this.about = { ...this.about, settings };
      }),
      client.on('experiments.changed', () => this.#listSoon()),
      client.on('job.changed', (job) => {
        this.jobs = new Map(this.jobs).set(job.id, job);
        if (job.done) void this.refreshAbout();
      }),
    );
    this.refresh();
  }

  /** Reads everything again. */
  refresh(): void {
    void this.refreshAbout();
    void this.refreshList();
    void this.attempt(async () => (this.queue = await this.client.call('training.queue')));
  }

  async refreshAbout(): Promise<void> {
    await this.attempt(async () => (this.about = await this.client.call('lab.about')));
  }

  async refreshList(): Promise<void> {
    await this.attempt(async () => {
      const [current, archived] = await Promise.all([
        this.client.call('experiments.list', { archived: false }),
        this.client.call('experiments.list', { archived: true }),
      ]);
      const all = new Map([...current, ...archived].map((card) => [card.key, card]));
      this.experiments = [...all.values()].sort((a, b) => b.createdAt - a.createdAt);
    });
  }

  /** A call whose failure is told at the foot of the window; null when it failed. */
  async ask<Name extends CallName>(name: Name, ...rest: Rest<Name>): Promise<CallResult<Name> | null> {
    return this.attempt(() => this.client.call(name, ...rest));
  }

  async attempt<Result>(body: () => Promise<Result>): Promise<Result | null> {
    try {
      return await body();
    } catch (error) {
      // A lost connection has its own line, and what was asked is asked again after it.
      if (this.connection === 'open') this.notices.problem(messageOf(error));
      return null;
    }
  }

  end(): void {
    for (const end of this.#ends) end();
  }

  #listSoon(): void {
    this.#listTimer ??= setTimeout(() => {
      this.#listTimer = null;
      void this.refreshList();
    }, LIST_INTERVAL);
  }
}

export const [useLab, provideLab] = createContext<Lab>();
