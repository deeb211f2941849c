/**
 * @file Pictures of the lab while it trains, taken from the finished build:
 *
 *   npm run screenshot                    docs/screenshot.png, for the README
 *   npm run screenshot -- --all FOLDER    wide and narrow, dark and light, into FOLDER
 *   --hash TEXT     an experiment's link instead of the first visit's
 *   --steps N       training steps before the picture, 120 unless named
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { ensureChromium } from './chromium.mjs';
import { serve } from './server.mjs';
import { ROOT, say } from './terminal.mjs';

const WIDE = { width: 1440, height: 1000 };
const NARROW = { width: 390, height: 844 };
const PORT = 4273;
const TRAINING_LIMIT_MS = 15 * 60_000;

const { values: options } = parseArgs({
  options: {
    all: { type: 'string' },
    hash: { type: 'string', default: '' },
    steps: { type: 'string', default: '120' },
  },
});

/** @type {{ file: string, size: typeof WIDE, theme: 'dark' | 'light', isWhole: boolean }[]} */
const pictures = options.all
  ? ['dark', 'light'].flatMap((theme) =>
      [
        { name: 'wide', size: WIDE },
        { name: 'narrow', size: NARROW },
      ].map(({ name, size }) => ({
        file: join(resolve(options.all), `${name}-${theme}.png`),
        size,
        theme,
        isWhole: true,
      })),
    )
  : [{ file: join(ROOT, 'docs', 'screenshot.png'), size: WIDE, theme: 'dark', isWhole: false }];

const { url, close } = await serve({ folder: join(ROOT, 'dist'), port: PORT });
const browser = await chromium.launch({
  executablePath: await ensureChromium(),
  args: [
    '--no-sandbox',
    '--disable-background-networking',
    '--enable-unsafe-webgpu',
    // A machine with a display has a GPU to show; without one this is what there is.
    ...(process.env.DISPLAY ? [] : ['--use-webgpu-adapter=swiftshader']),
  ],
});
try {
  await take();
} finally {
  await browser.close();
  close();
}

/** One run, looked at from all sides, so that every picture shows the same experiment. */
async function take() {
  const page = await browser.newPage({ viewport: WIDE, colorScheme: 'dark' });
  page.on('pageerror', (error) => say(`the page threw: ${error.message}`));
  await page.goto(options.hash ? `${url}#${options.hash.replace(/^#/, '')}` : url);
  const play = page.getByRole('button', { name: 'Play', exact: true });
  const pause = page.getByRole('button', { name: 'Pause', exact: true });
  // A first visit starts by itself; a link waits.
  await play.or(pause).first().waitFor();
  if (options.hash) await play.click();
  await page.waitForFunction(
    (steps) =>
      Number(document.querySelector('[data-metric="train.step"]')?.getAttribute('data-value')) >=
      steps,
    Number(options.steps),
    { timeout: TRAINING_LIMIT_MS },
  );
  await pause.click();
  await play.waitFor();
  for (const { file, size, theme, isWhole } of pictures) {
    mkdirSync(join(file, '..'), { recursive: true });
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme: theme });
    await page.screenshot({ path: file, fullPage: isWhole, animations: 'disabled' });
    say(file);
  }
}
