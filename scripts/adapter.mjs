/**
 * @file The adapter that unit tests run on. Dawn finds a real GPU by itself; without one it needs a
 * Vulkan driver in software, named in the environment before the tests' process starts.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { swiftShaderDriver } from './chromium.mjs';
import { debianRelease, installDebian, isRoot, mayChangeSources } from './debian.mjs';
import { run, SetupError, say } from './terminal.mjs';

const DRIVER_FOLDERS = [
  '/usr/share/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/etc/vulkan/icd.d',
];
const PROBE_LIMIT_MS = 60_000;
const PACKAGE = 'mesa-vulkan-drivers';

/** @typedef {{ name: string, env: Record<string, string> }} Adapter */

/**
 * Variables for the tests' process, and the adapter that they lead to. In order: the driver that
 * LAB_VK_ICD names; a GPU; Mesa's lavapipe, installed where that is allowed; the SwiftShader that
 * Chromium carries, several times slower.
 *
 * @param {string} chromium path of the program
 * @returns {Promise<Adapter>}
 * @throws {SetupError} where no driver gives an adapter
 */
export async function ensureAdapter(chromium) {
  const found =
    (await fastestPresent()) ?? (await installedLavapipe()) ?? (await swiftShader(chromium));
  if (found) return found;
  throw new SetupError(
    `The unit tests need a WebGPU adapter, and there is no GPU and no Vulkan driver here.\nInstall Mesa's (${installCommand()}), or set LAB_VK_ICD to the .json file of a driver of yours.`,
  );
}

/**
 * As ensureAdapter, from what is here already: installs nothing.
 *
 * @param {() => Promise<string | undefined>} findChromium asked only where nothing faster is here
 * @returns {Promise<Adapter>}
 * @throws {SetupError} where no driver gives an adapter
 */
export async function findAdapter(findChromium) {
  const present = await fastestPresent();
  if (present) return present;
  const chromium = await findChromium();
  const found = chromium && (await swiftShader(chromium));
  if (found) return found;
  throw new SetupError(
    `there is no WebGPU adapter: no GPU and no Vulkan driver; install one (${installCommand()}) or set LAB_VK_ICD to the .json file of a driver`,
  );
}

/** @returns {Promise<Adapter | undefined>} */
async function fastestPresent() {
  const chosen = process.env.LAB_VK_ICD;
  if (chosen) {
    const found = await probe(driverEnv(chosen));
    if (found) return found;
    throw new SetupError(`LAB_VK_ICD names ${chosen}, and Dawn gets no adapter from it.`);
  }
  const own = await probe({});
  if (own && !own.isSoftware) return own;
  return (await lavapipe()) ?? own;
}

/** @param {string} chromium path of the program */
async function swiftShader(chromium) {
  const driver = swiftShaderDriver(chromium);
  return driver ? probe(driverEnv(driver)) : undefined;
}

/** @param {string} driver */
const driverEnv = (driver) => ({ VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver });

async function lavapipe() {
  const drivers = DRIVER_FOLDERS.filter(existsSync)
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
    .filter((path) => /lvp_icd.*\.json$/.test(path));
  for (const driver of drivers) {
    const found = await probe(driverEnv(driver));
    if (found) return found;
  }
  return undefined;
}

/** Lavapipe from Debian's packages; undefined where this run may not install it. */
async function installedLavapipe() {
  const release = debianRelease();
  // Dawn refuses the lavapipe 22.3 of bookworm itself; its backports have a newer one.
  const isOld = release === 'bookworm';
  if (release && isRoot() && (!isOld || mayChangeSources())) {
    await installDebian([PACKAGE], isOld ? { suite: `${release}-backports` } : {});
    return lavapipe();
  }
  say(`No GPU and no lavapipe here: falling back to SwiftShader, several times slower.`);
  say(`For the faster driver: ${installCommand()}`);
  return undefined;
}

function installCommand() {
  const release = debianRelease();
  if (release !== 'bookworm') return `sudo apt-get install ${PACKAGE}`;
  const suite = `${release}-backports`;
  const source = `echo 'deb http://deb.debian.org/debian ${suite} main' | sudo tee /etc/apt/sources.list.d/${suite}.list`;
  return `${source} && sudo apt-get update && sudo apt-get install -t ${suite} ${PACKAGE}`;
}

/**
 * @param {Record<string, string>} env
 * @returns {Promise<{ name: string, isSoftware: boolean, env: Record<string, string> } | undefined>}
 */
async function probe(env) {
  const full = withLoader(env);
  const { code, output } = await run(process.execPath, ['scripts/probeAdapter.mjs'], {
    env: full,
    quiet: true,
    timeoutMs: PROBE_LIMIT_MS,
  });
  const line = output.split('\n').find((text) => text.startsWith('{'));
  return code === 0 && line ? { ...JSON.parse(line), env: full } : undefined;
}

/**
 * Chromium's folder has the Vulkan loader beside the driver; other systems may have none.
 *
 * @param {Record<string, string>} env
 * @returns {Record<string, string>}
 */
function withLoader(env) {
  const folder = dirname(env.VK_DRIVER_FILES ?? '');
  if (!existsSync(join(folder, 'libvulkan.so.1'))) return env;
  return {
    ...env,
    LD_LIBRARY_PATH: [process.env.LD_LIBRARY_PATH, folder].filter(Boolean).join(':'),
  };
}
