/**
 * @file `npm run bench -- [options]`: measures peaks, kernels and whole steps on this machine's adapter, prints
 * tables and writes them as JSON. Options: --only PATTERN, --quick, --repeats N, --json FILE.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundled, prepareAdapter } from './bundle.mjs';
import { ROOT, SetupError } from './terminal.mjs';

const BENCH = { name: 'bench', entry: 'bench/node.ts', sources: ['bench'] };

const isTerminal = process.stderr.isTTY === true;

/** All threads together: a software adapter computes on them. */
function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** @param {string} name */
function announce(name) {
  process.stderr.write(isTerminal ? `\r\x1b[K${name}` : `${name}\n`);
}

/**
 * @param {string | undefined} file
 * @param {string} text
 */
function save(file, text) {
  const path = file ?? join(ROOT, 'bench/results/bench.json');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  process.stderr.write(`${isTerminal ? '\r\x1b[K' : ''}written: ${path}\n`);
}

try {
  await prepareAdapter();
  const { main } = await import(pathToFileURL(await bundled(BENCH)).href);
  const write = (/** @type {string} */ text) => process.stdout.write(text);
  await main(process.argv.slice(2), { write, announce, save, processorMs });
} catch (error) {
  if (!(error instanceof SetupError) && error?.name !== 'UsageError') throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
}
