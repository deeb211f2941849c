/** @file The npm packages: installed when something of package-lock.json is not there yet. */
import { readFileSync } from 'node:fs';
import { ROOT, run, SetupError, say } from './terminal.mjs';

const OLDEST_NODE = [20, 19];

/** Installs what package-lock.json asks for and node_modules lacks. @throws {SetupError} */
export async function ensurePackages() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantMajor = 0, wantMinor = 0] = OLDEST_NODE;
  if (major < wantMajor || (major === wantMajor && minor < wantMinor)) {
    throw new SetupError(
      `Node ${process.versions.node} is too old: install ${OLDEST_NODE.join('.')} or later.`,
    );
  }
  const installed = locked('node_modules/.package-lock.json');
  const wanted = locked('package-lock.json');
  if (!wanted) throw new SetupError('package-lock.json is missing: this is no whole checkout.');
  if (installed && isCovered(wanted, installed)) return;
  // A clean install deletes node_modules first, which a half-stale one does not need.
  const command = installed ? 'install' : 'ci';
  say(`Installing packages (npm ${command}) …`);
  const { code } = await run('npm', [command, '--no-audit', '--no-fund', '--loglevel=error']);
  if (code !== 0) {
    throw new SetupError(
      `npm ${command} failed. Is the npm registry reachable? Its words are above.`,
    );
  }
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, optional?: boolean, devOptional?: boolean }> | undefined}
 */
function locked(path) {
  try {
    return JSON.parse(readFileSync(ROOT + path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * Optional packages are left out: most are builds for other systems.
 *
 * @param {NonNullable<ReturnType<typeof locked>>} wanted
 * @param {NonNullable<ReturnType<typeof locked>>} installed
 */
const isCovered = (wanted, installed) =>
  Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' ||
      entry.optional ||
      entry.devOptional ||
      installed[path]?.version === entry.version,
  );
