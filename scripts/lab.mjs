/**
 * @file `npm run -s lab -- COMMAND`: the lab without a page. Bundles src/cli into node_modules/.cache
 * where its sources are newer than the last bundle, which takes about a second, and runs it in this process.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findAdapter } from './adapter.mjs';
import { findChromium } from './chromium.mjs';
import { ROOT, run, SetupError } from './terminal.mjs';

const CACHE = join(ROOT, 'node_modules/.cache/trinity-lab');
/** What the bundle is made of; index files of the page are not among them. */
const SOURCES = ['src/cli', 'src/engine', 'src/shaders'];
const SINGLE_SOURCES = ['scripts/lab.mjs', 'package-lock.json'];
/** One Ctrl-C may arrive twice, from the terminal and from npm. */
const REPEAT_MS = 1000;
/** Says to a restarted process that its environment leads to an adapter already. */
const READY = 'LAB_ADAPTER_IS_READY';

/** Path of the bundle of the sources as they are now. */
async function bundled() {
  const name = `cli-${fingerprint()}`;
  const folder = join(CACHE, name);
  if (!existsSync(folder)) await bundle(folder);
  return join(folder, 'main.js');
}

function fingerprint() {
  const hash = createHash('sha256');
  const files = SOURCES.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  ).sort();
  for (const file of [...files, ...SINGLE_SOURCES.map((path) => join(ROOT, path))]) {
    hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

/** @param {string} folder */
async function bundle(folder) {
  if (!existsSync(join(ROOT, 'node_modules/vite'))) {
    throw new SetupError('packages are missing: run npm ci first');
  }
  const { build } = await import('vite');
  // Written apart and moved, so that a process beside this one never runs half of a bundle.
  const draft = `${folder}.${process.pid}`;
  mkdirSync(CACHE, { recursive: true });
  const older = readdirSync(CACHE).filter((name) => /^cli-[0-9a-f]+$/.test(name));
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    resolve: { alias: { '@': fileURLToPath(new URL('../src', import.meta.url)) } },
    build: {
      ssr: 'src/cli/main.ts',
      target: 'node20',
      outDir: draft,
      minify: false,
      // One file: a process that runs it loads nothing later, when the bundle may be gone.
      rollupOptions: { output: { codeSplitting: false } },
    },
  });
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
  for (const name of older) rmSync(join(CACHE, name), { recursive: true, force: true });
}

/** Aborts at the first Ctrl-C or SIGTERM; a later one ends the process at once. */
function interruption() {
  const controller = new AbortController();
  let firstAt = 0;
  const stop = () => {
    if (!controller.signal.aborted) {
      firstAt = performance.now();
      controller.abort();
    } else if (performance.now() - firstAt > REPEAT_MS) process.exit(130);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}

/**
 * Leads Dawn to a Vulkan driver. The variables that name one are read when Dawn starts; only where the
 * loader itself lies in an unusual folder must the whole process start again.
 */
async function prepareAdapter() {
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

/** Bytes of a shipped text; writes the texts where they are missing. @param {string} id */
async function readCorpus(id) {
  const file = join(ROOT, 'public/corpora', `${id}.txt`);
  if (!existsSync(file)) {
    const { code, output } = await run(process.execPath, ['scripts/corpora.mjs'], { quiet: true });
    if (code !== 0) throw new SetupError(`the texts could not be prepared: ${output.trim()}`);
  }
  return new Uint8Array(await readFile(file));
}

// A reader such as head may leave before the end.
process.stdout.on('error', (error) => {
  if (!('code' in error) || error.code !== 'EPIPE') throw error;
  process.exit();
});
// npm runs scripts in the root; a file that is named belongs to the folder where the command was typed.
if (process.env.npm_lifecycle_event === 'lab' && process.env.INIT_CWD) {
  process.chdir(process.env.INIT_CWD);
}
try {
  const interrupted = interruption();
  const { main } = await import(pathToFileURL(await bundled()).href);
  const { stdout, stderr } = process;
  process.exitCode = await main(process.argv.slice(2), {
    stdout,
    stderr,
    interrupted,
    prepareAdapter,
    readCorpus,
  });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`lab: ${error.message}\n`);
  process.exitCode = 1;
}
