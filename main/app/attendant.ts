/**
 * What the shell does with the lab's news, as one more window would hear them: keeps the computer awake while it trains,
 * shows progress on the window's icon, and follows the chosen theme.
 */
import { nativeTheme, powerSaveBlocker, type BrowserWindow } from 'electron';
import type { LabNews } from '#shared/api/messages.ts';
import type { LabSettings, QueueState } from '#shared/api/types.ts';
import type { Session } from '#main/lab/api/session.ts';
import type { Lab } from '#main/lab/lab.ts';

const DONE = -1;
/** More than 1 shows a bar without an amount. */
const UNKNOWN = 2;

export class Attendant {
  readonly session: Session;
  readonly #lab: Lab;
  readonly #windows: () => readonly BrowserWindow[];
  #blocker: number | null = null;
  #isWaiting = false;
  #trained: number | null = null;
  #fetched: number | null = null;

  constructor(lab: Lab, windows: () => readonly BrowserWindow[]) {
    this.#lab = lab;
    this.#windows = windows;
    this.session = lab.openSession(() => this.#soon());
    nativeTheme.themeSource = lab.settings.theme;
    this.#hearQueue(lab.queueState());
  }

  close(): void {
    this.#lab.closeSession(this.session);
    this.#sleepAgain();
  }

  #soon(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setImmediate(() => {
      this.#isWaiting = false;
      for (let news = this.session.take(); news !== null; news = this.session.take()) this.#hear(news);
    });
  }

  #hear(news: LabNews): void {
    if (news.name === 'queue.changed') this.#hearQueue(news.payload);
    else if (news.name === 'settings.changed') this.#hearSettings(news.payload);
    else if (news.name === 'job.changed' && news.payload.kind === 'engine-install') {
      const { done, share } = news.payload;
      this.#fetched = done ? null : (share ?? UNKNOWN);
      this.#showProgress();
    }
  }

  #hearSettings({ theme }: LabSettings): void {
    nativeTheme.themeSource = theme;
  }

  #hearQueue({ running }: QueueState): void {
    this.#trained =
      running === null ? null : running.runSteps > 0 ? running.runStepsDone / running.runSteps : UNKNOWN;
    // The screen may go dark; the computer may not fall asleep.
    if (running === null) this.#sleepAgain();
    else this.#blocker ??= powerSaveBlocker.start('prevent-app-suspension');
    this.#showProgress();
  }

  #sleepAgain(): void {
    if (this.#blocker !== null) powerSaveBlocker.stop(this.#blocker);
    this.#blocker = null;
  }

  #showProgress(): void {
    const share = this.#fetched ?? this.#trained ?? DONE;
    for (const window of this.#windows()) window.setProgressBar(share);
  }
}
