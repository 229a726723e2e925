/** Files that a page saves: a person says where. */
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import { askWhereToSave } from '#main/app/downloads.ts';
import { resetElectron, Session, world } from '../../support/electron/index.ts';

vi.mock('electron', () => import('../../support/electron/index.ts'));

class Item extends EventEmitter {
  options: { defaultPath?: string } = {};
  /** A path of our own would save without asking, and replace what is there. */
  setSavePath = vi.fn();
  #name: string;
  constructor(name: string) {
    super();
    this.#name = name;
  }
  getFilename = () => this.#name;
  setSaveDialogOptions = (options: { defaultPath: string }) => void (this.options = options);
  getSavePath = () => '/chosen/by a person/figure.pdf';
}

let session: Session;
const windows = { folder: null as string | null, rememberFolder: vi.fn() };

beforeEach(() => {
  resetElectron();
  session = new Session();
  windows.folder = null;
  windows.rememberFolder.mockReset();
  askWhereToSave(session as never, windows);
});

function save(name: string): Item {
  const item = new Item(name);
  session.emit('will-download', {}, item);
  return item;
}

it('asks, beginning in the downloads or where the last file went', () => {
  expect(save('ridge.pdf').options.defaultPath).toBe(join(world.userData, 'downloads', 'ridge.pdf'));
  windows.folder = '/figures';
  const item = save('ridge.pdf');
  expect(item.options.defaultPath).toBe(join('/figures', 'ridge.pdf'));
  expect(item.setSavePath).not.toHaveBeenCalled();
});

it.each([
  ['../../../.bashrc', '.bashrc'],
  ['..\\..\\autostart.cmd', 'autostart.cmd'],
  ['/etc/passwd', 'passwd'],
  ['C:\\x.pdf', 'x.pdf'],
  ['a:b*c?.pdf', 'a_b_c_.pdf'],
  ['two\nlines\u202efdp.exe', 'two_lines_fdp.exe'],
  ['..', 'surge-lab'],
  ['.', 'surge-lab'],
  ['', 'surge-lab'],
  ['a/', 'surge-lab'],
  ['Rücken · η.svg', 'Rücken · η.svg'],
])('takes a name from the page, never a place: %j', (proposed, name) => {
  windows.folder = '/figures';
  expect(save(proposed).options.defaultPath).toBe(join('/figures', name));
});

it('remembers the folder of what was saved, and only of that', () => {
  save('a.pdf').emit('done', {}, 'cancelled');
  save('a.pdf').emit('done', {}, 'interrupted');
  expect(windows.rememberFolder).not.toHaveBeenCalled();
  save('a.pdf').emit('done', {}, 'completed');
  expect(windows.rememberFolder).toHaveBeenCalledWith('/chosen/by a person');
});

it('says when a file could not be saved, and is quiet when nobody wanted it', () => {
  save('a.pdf').emit('done', {}, 'cancelled');
  expect(world.questions).toEqual([]);
  save('a.pdf').emit('done', {}, 'interrupted');
  expect(world.questions).toMatchObject([{ message: '“a.pdf” could not be saved.' }]);
});
