import type { LabSettings } from '#shared/api/types.ts';

type Theme = LabSettings['theme'];

/** Remembered in the browser too, so that the first picture has the right paper. */
const REMEMBERED = 'surge.theme';

/** Keeps the document's theme at what is chosen; `chosen` is null until the settings are there. */
export function followTheme(chosen: () => Theme | null): void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  let systemIsDark = $state(system.matches);
  const remembered = localStorage.getItem(REMEMBERED);
  $effect(() => {
    const update = () => (systemIsDark = system.matches);
    system.addEventListener('change', update);
    return () => system.removeEventListener('change', update);
  });
  $effect.pre(() => {
    const theme = chosen();
    if (theme !== null) localStorage.setItem(REMEMBERED, theme);
    const shown = theme ?? remembered ?? 'system';
    document.documentElement.dataset.theme =
      shown === 'dark' || (shown !== 'light' && systemIsDark) ? 'dark' : 'light';
  });
}
