const NAMES: Readonly<Record<string, string>> = {
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
  Escape: 'Esc',
};

/** 'Ctrl+K' → 'Ctrl K', on a Mac '⌘ K'; 'Shift+ArrowRight' → 'Shift →'. */
export function keyLabel(key: string, isMac: boolean): string {
  return key
    .split(/\+(?=.)/)
    .map((part) => (isMac && part === 'Ctrl' ? '⌘' : (NAMES[part] ?? part)))
    .join(' ');
}
