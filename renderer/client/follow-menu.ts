import type { LabBridge } from '#shared/api/bridge.ts';

/** The native menu presses keys of the page's key map and goes to places of the window. */
export function followMenu(bridge: LabBridge): () => void {
  return bridge.onCommand((command) => {
    if ('go' in command) location.hash = command.go;
    else window.dispatchEvent(new KeyboardEvent('keydown', keyOf(command.press)));
  });
}

/** 'Ctrl+K', 'Alt+1', '?' */
function keyOf(press: string): KeyboardEventInit {
  const parts = press.split(/\+(?=.)/);
  return {
    key: parts.at(-1) ?? '',
    ctrlKey: parts.includes('Ctrl'),
    altKey: parts.includes('Alt'),
    shiftKey: parts.includes('Shift'),
    cancelable: true,
  };
}
