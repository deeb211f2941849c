/** @file Debian's packages, where this is Debian and we are root: in CI and in containers. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { run, SetupError, say } from './terminal.mjs';

/** Release name such as `bookworm`; undefined where this is not Debian. */
export function debianRelease() {
  if (!existsSync('/etc/os-release')) return undefined;
  const lines = readFileSync('/etc/os-release', 'utf8').split('\n');
  if (!lines.includes('ID=debian')) return undefined;
  return lines.find((line) => line.startsWith('VERSION_CODENAME='))?.split('=')[1];
}

export const isRoot = () => process.getuid?.() === 0;

/** Whether this run may change the sources of apt: only in CI, where nobody else lives with it. */
export const mayChangeSources = () => process.env.CI === 'true' && isRoot();

let isListFresh = false;

/**
 * Installs packages without a question. @throws {SetupError}
 *
 * @param {readonly string[]} packages
 * @param {{ suite?: string }} [options] suite to take them from, added to the sources where it is missing
 */
export async function installDebian(packages, { suite } = {}) {
  if (suite) await addSuite(suite);
  if (!isListFresh) {
    await aptGet(['update', '-qq']);
    isListFresh = true;
  }
  say(`Installing Debian packages: ${packages.join(', ')} …`);
  const from = suite ? ['-t', suite] : [];
  await aptGet(['install', '-y', '-qq', '--no-install-recommends', ...from, ...packages]);
}

/** @param {string} suite */
async function addSuite(suite) {
  const { output } = await run('apt-cache', ['policy'], { quiet: true });
  if (output.includes(`n=${suite}`)) return;
  if (!mayChangeSources()) throw new SetupError(`The suite ${suite} is not among apt's sources.`);
  const line = `deb http://deb.debian.org/debian ${suite} main\n`;
  writeFileSync(`/etc/apt/sources.list.d/${suite}.list`, line);
  isListFresh = false;
}

/** @param {readonly string[]} args */
async function aptGet(args) {
  const options = ['-o', 'Acquire::Retries=3', '-o', 'Dpkg::Use-Pty=0'];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const { code, output } = await run('apt-get', [...options, ...args], { env, quiet: true });
  if (code !== 0) throw new SetupError(`apt-get ${args.join(' ')} failed:\n${output.trim()}`);
}
