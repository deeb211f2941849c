/**
 * @file End-to-end tests: the finished build in a real Chromium, on its own software adapter, so that
 * every machine runs the same. `npm run build` comes first.
 */
import { defineConfig } from '@playwright/test';
import { findChromium } from './scripts/chromium.mjs';

const port = Number(process.env.LAB_E2E_PORT ?? 4300);
const chromium = await findChromium();
if (!chromium) throw new Error('No Chromium here: npm test installs one, or set CHROMIUM_PATH.');

/** What every launch needs; the rest gives it WebGPU. */
const always = ['--no-sandbox', '--disable-background-networking'];

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results/e2e',
  reporter: [['list'], ['json', { outputFile: 'test-results/e2e.json' }]],
  // Two pages that train at once would fight for the cores and lose to their own time limits.
  workers: 1,
  fullyParallel: false,
  forbidOnly: process.env.CI === 'true',
  timeout: 180_000,
  expect: { timeout: 60_000 },
  use: {
    baseURL: `http://127.0.0.1:${port}/`,
    viewport: { width: 1280, height: 800 },
    // A control that never comes fails by its name, not by the clock of the whole test.
    actionTimeout: 60_000,
    // A trace films the whole test, and the software adapter needs the cores itself.
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: chromium,
      args: [...always, '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    },
  },
  webServer: {
    command: `node scripts/server.mjs --port ${port}`,
    url: `http://127.0.0.1:${port}/index.html`,
    reuseExistingServer: false,
  },
});
