/** The lab behind this window, however it is reached. */
import type { LabClient } from '#shared/api/client.ts';
import { WebClient } from './web-client.ts';

export function connect(): LabClient {
  const { host } = window.location;
  return new WebClient(() => new WebSocket(`ws://${host}/lab`));
}
