import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// TOCSIN_API: where `vite dev` finds the server (or mock/server.js); the built page asks its own origin.
const api = process.env.TOCSIN_API ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: '../src/tocsin/server/static',
    emptyOutDir: true,
    target: 'es2022',
    license: { fileName: 'licenses.md' },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1400,
    reportCompressedSize: true,
    // A hash names the content and nothing else, so the same source gives the same bytes anywhere.
    rolldownOptions: { output: { hashCharacters: 'hex' } },
  },
  server: { proxy: { '/api': { target: api, changeOrigin: false } } },
});
