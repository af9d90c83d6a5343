import { defineConfig } from 'vite'

/** Relative addresses, so that the page works under any TEMPO_BASE_PATH; nothing inlined, for the sake of the policy. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:7776', '/session': 'http://127.0.0.1:7776' } },
})
