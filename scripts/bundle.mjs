/** @file Programs of the engine for this Node: bundled where their sources are newer than the last bundle, and given an adapter. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findAdapter } from './adapter.mjs';
import { findChromium } from './chromium.mjs';
import { ROOT, run, SetupError } from './terminal.mjs';

const CACHE = join(ROOT, 'node_modules/.cache/trinity-lab');
/** What every bundle is made of besides its own sources. */
const SOURCES = ['src/engine', 'src/shaders'];
const SINGLE_SOURCES = ['scripts/bundle.mjs', 'package-lock.json'];
/** Says to a restarted process that its environment leads to an adapter already. */
const READY = 'LAB_ADAPTER_IS_READY';

/**
 * One program: `name` is that of its bundles, `entry` its first file, `sources` the folders that it is made of
 * besides the engine; all paths from the root.
 *
 * @typedef {{ name: string, entry: string, sources: readonly string[] }} Program
 */

/**
 * Path of the bundle of the sources as they are now, one file; making it takes about a second.
 *
 * @param {Program} program
 * @returns {Promise<string>}
 * @throws {SetupError} where packages are missing
 */
export async function bundled(program) {
  const folder = join(CACHE, `${program.name}-${fingerprint(program)}`);
  if (!existsSync(folder)) await bundle(program, folder);
  return join(folder, 'main.js');
}

/** @param {Program} program */
function fingerprint({ sources }) {
  const hash = createHash('sha256');
  const files = [...sources, ...SOURCES]
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
        .map((entry) => join(entry.parentPath, entry.name)),
    )
    .sort();
  for (const file of [...files, ...SINGLE_SOURCES.map((path) => join(ROOT, path))]) {
    hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

/**
 * @param {Program} program
 * @param {string} folder
 */
async function bundle({ name, entry }, folder) {
  if (!existsSync(join(ROOT, 'node_modules/vite'))) {
    throw new SetupError('packages are missing: run npm ci first');
  }
  const { build } = await import('vite');
  // Written apart and moved, so that a process beside this one never runs half of a bundle.
  const draft = `${folder}.${process.pid}`;
  mkdirSync(CACHE, { recursive: true });
  const own = new RegExp(`^${name}-[0-9a-f]+$`);
  const older = readdirSync(CACHE).filter((file) => own.test(file));
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    resolve: { alias: { '@': fileURLToPath(new URL('../src', import.meta.url)) } },
    build: {
      ssr: true,
      target: 'node20',
      outDir: draft,
      minify: false,
      rollupOptions: {
        input: { main: entry },
        // One file: a process that runs it loads nothing later, when the bundle may be gone.
        output: { codeSplitting: false, entryFileNames: '[name].js' },
      },
    },
  });
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
  for (const file of older) rmSync(join(CACHE, file), { recursive: true, force: true });
}

/**
 * Leads Dawn to a Vulkan driver. The variables that name one are read when Dawn starts; only where the
 * loader itself lies in an unusual folder must the whole process start again.
 */
export async function prepareAdapter() {
  if (process.env[READY]) return;
  const { env } = await findAdapter(findChromium);
  if (!('LD_LIBRARY_PATH' in env)) {
    Object.assign(process.env, env);
    return;
  }
  const { code } = await run(process.execPath, process.argv.slice(1), {
    env: { ...env, [READY]: '1' },
    cwd: process.cwd(),
  });
  process.exit(code);
}
