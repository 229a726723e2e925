/** The lab behind this window, however it is reached. */
import type { LabBridge } from '#shared/api/bridge.ts';
import type { LabClient } from '#shared/api/client.ts';
import { BridgeClient } from './bridge-client.ts';
import { followMenu } from './follow-menu.ts';
import { WebClient } from './web-client.ts';

export function connect(): LabClient {
  const bridge = (window as { surgeLab?: LabBridge }).surgeLab;
  if (bridge !== undefined) {
    followMenu(bridge);
    return new BridgeClient(bridge);
  }
  const { host } = window.location;
  return new WebClient(() => new WebSocket(`ws://${host}/lab`));
}
