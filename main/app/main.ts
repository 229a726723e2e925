import { startShell } from './shell.ts';

// Not awaited: the app gets ready only after its main module has been evaluated.
void startShell();
