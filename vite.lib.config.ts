/** @file The engine alone, as a library: its shaders inlined, its packages left to whoever imports it. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

export default defineConfig({
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  // The texts of public/ belong to the page.
  publicDir: false,
  build: {
    target: 'es2023',
    outDir: 'dist-engine',
    minify: false,
    lib: { entry: 'src/engine/index.ts', formats: ['es'], fileName: 'index' },
    rollupOptions: { external: ['fflate', 'valibot', 'webgpu'] },
  },
});
