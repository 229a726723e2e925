/** The three functions that a page gets. Neither ipcRenderer nor an event of Electron's crosses with them. */
import type { IpcRenderer } from 'electron';
import type { DesktopCommand, LabBridge } from '#shared/api/bridge.ts';
import type { LabNews } from '#shared/api/messages.ts';
import { channels } from './channels.ts';

export function createBridge(wire: Pick<IpcRenderer, 'invoke' | 'send' | 'on'>): LabBridge {
  const newsListeners = new Set<(news: LabNews) => void>();
  const commandListeners = new Set<(command: DesktopCommand) => void>();
  /** From the menu before the page was there to hear it. */
  let waiting: DesktopCommand | null = null;
  let isListening = false;

  wire.on(channels.news, (_event, news: LabNews) => {
    try {
      for (const listener of newsListeners) listener(news);
    } finally {
      // A page whose listener fails goes on getting news.
      wire.send(channels.taken);
    }
  });
  wire.on(channels.command, (_event, command: DesktopCommand) => {
    if (commandListeners.size === 0) waiting = command;
    for (const listener of commandListeners) listener(command);
  });

  return {
    call: (name, argument) => wire.invoke(channels.call, name, argument),
    onNews(listener) {
      newsListeners.add(listener);
      if (!isListening) wire.send(channels.listen);
      isListening = true;
      return () => newsListeners.delete(listener);
    },
    onCommand(listener) {
      commandListeners.add(listener);
      if (waiting !== null) listener(waiting);
      waiting = null;
      return () => commandListeners.delete(listener);
    },
  };
}
