/** The pages of the window. A page is a component that gets its route; it is loaded when it is first opened. */
import type { Component } from 'svelte';
import type { IconName } from '#renderer/parts/icons.ts';
import type { Route } from './router.svelte.ts';

export type PageComponent = Component<{ route: Route }>;

export interface Page {
  readonly name: string;
  readonly title: string;
  /** Null for pages that are reached from others. */
  readonly icon: IconName | null;
  readonly load: () => Promise<{ default: PageComponent }>;
}

const modules = import.meta.glob<{ default: PageComponent }>('../*/*Page.svelte');

function page(name: string, title: string, icon: IconName | null, file: string): Page[] {
  const load = modules[file];
  return load === undefined ? [] : [{ name, title, icon, load }];
}

export const pages: readonly Page[] = [
  ...page('experiments', 'Experiments', 'list', '../experiments/ExperimentsPage.svelte'),
  ...page('compare', 'Compare', 'compare', '../compare/ComparePage.svelte'),
  ...page('theory', 'Theory', 'theory', '../theory/TheoryPage.svelte'),
  ...page('figures', 'Figures', 'figure', '../figures/FiguresPage.svelte'),
  ...page('import', 'Import', 'import', '../import/ImportPage.svelte'),
  ...page('settings', 'Settings', 'settings', '../settings/SettingsPage.svelte'),
  ...page('design', 'Design', null, '../design/DesignPage.svelte'),
  ...page('watch', 'Watch', null, '../watch/WatchPage.svelte'),
];
