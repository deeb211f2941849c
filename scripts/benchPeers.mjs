/**
 * @file `npm run bench:peers -- [options]`: our dense training step and products beside jax-js and TensorFlow.js, on
 * the same adapter, in turns. Installs the peers' packages, which nothing else needs, into bench/peers.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundled, prepareAdapter } from './bundle.mjs';
import { ROOT, run, SetupError, say } from './terminal.mjs';

const FOLDER = join(ROOT, 'bench/peers');
const PARENT = { name: 'bench-peers', entry: 'bench/peers/node.ts', sources: ['bench'] };
const OURS = { name: 'bench-ours', entry: 'bench/peers/ours.ts', sources: ['bench'] };

/** Installs exactly what the lockfile names, where that was not done yet. */
async function ensurePeers() {
  const wanted = readFileSync(join(FOLDER, 'package-lock.json'), 'utf8');
  const mark = join(FOLDER, 'node_modules/.installed-lock.json');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return;
  say('Installing the peers (npm ci in bench/peers) …');
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code } = await run('npm', args, { cwd: FOLDER });
  if (code !== 0) throw new SetupError('the peers could not be installed; npm says why above');
  writeFileSync(mark, wanted);
}

async function adapterName() {
  const { output } = await run(process.execPath, ['scripts/probeAdapter.mjs'], { quiet: true });
  const found = output.split('\n').find((text) => text.startsWith('{'));
  return found ? JSON.parse(found).name : 'unknown';
}

/**
 * @param {string | undefined} file
 * @param {string} text
 */
function save(file, text) {
  const path = file ?? join(ROOT, 'bench/results/peers.json');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  say(`\nwritten: ${path}`);
}

try {
  await ensurePeers();
  await prepareAdapter();
  const { main } = await import(pathToFileURL(await bundled(PARENT)).href);
  const isEqual = await main(process.argv.slice(2), {
    files: {
      ours: await bundled(OURS),
      'jax-js': join(FOLDER, 'jaxjs.mjs'),
      'TensorFlow.js': join(FOLDER, 'tfjs.mjs'),
    },
    adapter: await adapterName(),
    write: (/** @type {string} */ text) => process.stdout.write(text),
    save,
  });
  if (!isEqual) {
    process.stderr.write('bench:peers: the contenders do not compute the same thing\n');
    process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof SetupError) && error?.name !== 'UsageError') throw error;
  process.stderr.write(`bench:peers: ${error.message}\n`);
  process.exitCode = 1;
}
