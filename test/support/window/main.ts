import { mount } from 'svelte';
import App from '#renderer/app/App.svelte';
import '#renderer/app/base.css';
import { memoryClient } from './memory-client.ts';

const query = new URLSearchParams(location.search);
mount(App, {
  target: document.getElementById('app') as HTMLElement,
  props: { client: memoryClient({ experiments: Number(query.get('experiments') ?? 8) }) },
});
