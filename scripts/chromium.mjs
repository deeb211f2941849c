/** @file The Chromium that end-to-end tests and screenshots drive. */
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { debianRelease, installDebian, isRoot } from './debian.mjs';
import { run, SetupError, say } from './terminal.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const FIXED_PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];
const DOWNLOAD_LIMIT_MS = 5 * 60_000;

/**
 * Path of a Chromium that is here: CHROMIUM_PATH, else the usual names, else Playwright's own.
 *
 * @returns {Promise<string | undefined>}
 */
export async function findChromium() {
  const chosen = process.env.CHROMIUM_PATH;
  if (chosen) {
    if (isExecutable(chosen)) return chosen;
    throw new SetupError(`CHROMIUM_PATH names ${chosen}, which cannot be run.`);
  }
  const folders = (process.env.PATH ?? '').split(delimiter);
  const places = [
    ...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))),
    ...FIXED_PLACES,
  ];
  const { chromium } = await import('@playwright/test');
  return [...places, chromium.executablePath()].find(isExecutable);
}

/**
 * As findChromium, and installs one where there is none: Debian's package as root on Debian, which
 * brings its libraries along, else Playwright's download.
 *
 * @throws {SetupError} with what to install
 */
export async function ensureChromium() {
  const found = await findChromium();
  if (found) return found;
  if (isRoot() && debianRelease()) {
    // Chromium only recommends fonts, and a page without one has no letters to test.
    await installDebian(['chromium', 'fonts-dejavu-core']);
  } else {
    say('No Chromium here: trying the download of Playwright …');
    const args = ['playwright', 'install', 'chromium'];
    await run('npx', args, { quiet: true, timeoutMs: DOWNLOAD_LIMIT_MS });
  }
  const installed = await findChromium();
  if (installed) return installed;
  const command = debianRelease()
    ? 'sudo apt-get install chromium'
    : 'npx playwright install chromium';
  throw new SetupError(
    `The end-to-end tests need Chromium or Chrome.\nInstall one (${command}), or set CHROMIUM_PATH to the program of yours.`,
  );
}

/**
 * The Vulkan driver in software that every Chromium carries; undefined where this one has none.
 *
 * @param {string} chromium path of the program
 */
export function swiftShaderDriver(chromium) {
  // Debian's program is a script in /usr/bin that starts the one in /usr/lib/chromium.
  const folders = [
    dirname(realpathSync(chromium)),
    '/usr/lib/chromium',
    '/usr/lib/chromium-browser',
  ];
  return folders.map((folder) => join(folder, 'vk_swiftshader_icd.json')).find(existsSync);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
