/** Runs in the sandbox of a window, before its page. The only file that touches ipcRenderer. */
import { contextBridge, ipcRenderer } from 'electron';
import { createBridge } from './bridge.ts';

contextBridge.exposeInMainWorld('surgeLab', createBridge(ipcRenderer));
