/**
 * @file `npm run -s lab -- COMMAND`: the lab without a page. Bundles src/cli into node_modules/.cache
 * where its sources are newer than the last bundle, which takes about a second, and runs it in this process.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundled, prepareAdapter } from './bundle.mjs';
import { ROOT, run, SetupError } from './terminal.mjs';

const CLI = { name: 'cli', entry: 'src/cli/main.ts', sources: ['src/cli'] };
/** One Ctrl-C may arrive twice, from the terminal and from npm. */
const REPEAT_MS = 1000;

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
  const { main } = await import(pathToFileURL(await bundled(CLI)).href);
  const { stdout, stderr } = process;
  process.exitCode = await main(process.argv.slice(2), {
    stdout,
    stderr,
    interrupted,
    prepareAdapter,
    readCorpus,
    cache: join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'trinity-lab'),
  });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`lab: ${error.message}\n`);
  process.exitCode = 1;
}
