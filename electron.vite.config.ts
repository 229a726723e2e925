import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'electron-vite';
import type { Plugin } from 'vite';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const OUT = join(ROOT, 'dist', 'app');

/**
 * Modules find their neighbours (trainers, examples, fonts) by their own address. In the bundle each keeps the address
 * of its source; in the package that is among the unpacked files, because a real Node cannot read an archive.
 */
function keepAddresses(): Plugin {
  return {
    name: 'keep-addresses',
    enforce: 'pre',
    transform(code, id) {
      const file = id.split('?', 1)[0];
      if (!code.includes('import.meta.url') || file.includes('node_modules')) return null;
      const place = JSON.stringify(relative(OUT, file).replaceAll('\\', '/'));
      const address = `new URL(${place}, import.meta.url.replace('/app.asar/', '/app.asar.unpacked/')).href`;
      return { code: code.replaceAll('import.meta.url', `(${address})`), map: null };
    },
  };
}

/** electron-vite declares a `require` for CommonJS code; there is none in the bundle, and our modules have their own. */
function withoutShims(): Plugin {
  return {
    name: 'without-shims',
    enforce: 'post',
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle))
        if (chunk.type === 'chunk')
          chunk.code = chunk.code.replace(/^const require = __shims_module__\.createRequire.*$/m, '');
    },
  };
}

/** The main process and the preload script of the desktop shell. The window itself has its own vite.config.ts. */
export default defineConfig({
  main: {
    plugins: [keepAddresses(), withoutShims()],
    build: {
      outDir: OUT,
      emptyOutDir: true,
      target: 'node24',
      rollupOptions: {
        input: { main: 'main/app/main.ts' },
        output: { format: 'es', entryFileNames: '[name].js' },
      },
    },
  },
  preload: {
    build: {
      outDir: OUT,
      emptyOutDir: false,
      // A sandboxed preload script has neither modules nor packages.
      externalizeDeps: false,
      rollupOptions: {
        input: { preload: 'main/doors/ipc/preload.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
});
