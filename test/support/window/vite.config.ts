/** `npx vite test/support/window`: the window on made-up data, for work on its looks without a lab. */
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [svelte()],
  server: { fs: { allow: [fileURLToPath(new URL('../../..', import.meta.url))] } },
});
