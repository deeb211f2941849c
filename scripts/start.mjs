/** @file `npm start`: from a fresh clone to the lab in a browser. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePackages } from './packages.mjs';
import { serve } from './server.mjs';
import { ROOT, run, SetupError, say } from './terminal.mjs';

const PORT = 4173;

async function start() {
  await ensurePackages();
  say('Building the page …');
  const { code, output } = await run('npm', ['run', '--silent', 'build'], { quiet: true });
  const folder = join(ROOT, 'dist');
  if (code !== 0 || !existsSync(join(folder, 'index.html'))) {
    throw new SetupError(`The build failed:\n${output.trim()}`);
  }
  const { url } = await serve({ folder, port: PORT });
  say(
    `\nTrinity Lab is at ${url}\nIt needs a browser with WebGPU, such as Chrome or Edge. Stop it with Ctrl+C.`,
  );
  openBrowser(url);
}

/**
 * Opens the visitor's browser where there is a display. Nothing depends on it.
 *
 * @param {string} url
 */
function openBrowser(url) {
  if (process.env.CI) return;
  if (process.platform === 'darwin') void run('open', [url], { quiet: true });
  else if (process.platform === 'win32') void run('start', ['""', url], { quiet: true });
  else if (process.env.DISPLAY || process.env.WAYLAND_DISPLAY) {
    void run('xdg-open', [url], { quiet: true });
  }
}

try {
  await start();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
}
