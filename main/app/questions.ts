/** What the shell asks a person, in one place: few questions, each with a safe answer as the default. */
import { dialog, type BrowserWindow } from 'electron';
import type { Lab } from '#main/lab/lab.ts';
import { locateEngine } from '#main/setup/locate-engine.ts';
import type { EngineVariant } from '#main/setup/platform.ts';
import { wheelPlatforms } from '#main/setup/wheels.ts';

async function ask(
  window: BrowserWindow | null,
  message: string,
  detail: string,
  yes: string,
  no: string,
): Promise<boolean> {
  const question = {
    type: 'question',
    noLink: true,
    message,
    detail,
    buttons: [yes, no],
    defaultId: 0,
    cancelId: 1,
  } as const;
  const options = { ...question, buttons: [...question.buttons] };
  const { response } = await (window === null
    ? dialog.showMessageBox(options)
    : dialog.showMessageBox(window, options));
  return response === 0;
}

/** Whether the lab may end although it trains. */
export function mayStopTraining(lab: Lab, window: BrowserWindow | null): Promise<boolean> {
  const name = lab.queueState().running?.name ?? 'An experiment';
  return ask(
    window,
    `“${name}” is being trained.`,
    'If you quit now, it saves a checkpoint and continues from there when you start it again.',
    'Save a Checkpoint and Quit',
    'Keep Training',
  );
}

/** What an earlier start left unfinished without having been told to pause. */
export function interruptedExperiments(lab: Lab): readonly { readonly key: string; readonly name: string }[] {
  if (lab.access !== 'write') return [];
  return lab.store
    .experiments({ archived: false })
    .filter(({ counts, hold, imported }) => imported === null && hold === null && counts.interrupted > 0)
    .map(({ key, name }) => ({ key, name }));
}

/** Offers to go on with sweeps that were interrupted; returns the key of the first that goes on, else null. */
export async function offerToContinue(lab: Lab, window: BrowserWindow | null): Promise<string | null> {
  const interrupted = interruptedExperiments(lab);
  // Without its engine nothing can go on; that is asked first, and this at the next start.
  if (interrupted.length === 0 || locateEngine() === null) return null;
  const [{ key, name }] = interrupted;
  const others = interrupted.length - 1;
  const wants = await ask(
    window,
    others === 0
      ? `“${name}” was interrupted.`
      : `“${name}” and ${others} other experiment${others === 1 ? '' : 's'} were interrupted.`,
    'Surge Lab ended while it was being trained. Everything that was recorded is there, and training can continue from the last checkpoints.',
    'Continue Training',
    'Not Now',
  );
  if (!wants) return null;
  for (const each of interrupted) lab.start(lab.find(each.key));
  return key;
}

/** What another start asked for: its store in the place of this one. */
export function wantsOtherStore(window: BrowserWindow | null, open: string, other: string): Promise<boolean> {
  return ask(
    window,
    'Surge Lab is open with another store.',
    `It shows ${open}. To show ${other}, it ends and starts again.`,
    'Change the Store',
    'Stay Here',
  );
}

const engineSizes = {
  cpu: 'about 270 MB',
  cuda: 'for the graphics processor: some gigabytes, 5.3 GB when unpacked',
} as const;

/** Whether to fetch the engine library, which no package carries. */
export async function wantsEngine(window: BrowserWindow | null, device: EngineVariant): Promise<boolean> {
  if (locateEngine() !== null || !isEngineOffered()) return false;
  return ask(
    window,
    'The TensorFlow engine is not installed yet.',
    `It trains the experiments. It is fetched once (${engineSizes[device]}) into your own cache folder. Everything else works without it, and the settings can fetch it at any time.`,
    'Fetch It Now',
    'Later',
  );
}

/** Not on Windows, for instance: what cannot be had is not offered at each start. The settings say why. */
function isEngineOffered(): boolean {
  try {
    return wheelPlatforms().length > 0;
  } catch {
    return false;
  }
}
