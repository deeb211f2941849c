/** @file Running other programs and saying what happens, for the scripts that must work before anything is installed. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The root of the repository, with a trailing slash. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Something that the reader can mend; the message says how, and no stack is shown. */
export class SetupError extends Error {
  name = 'SetupError';
}

/**
 * Runs a program, in the root unless named, with its output on this terminal or, where `quiet`, kept.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: Record<string, string>, quiet?: boolean, timeoutMs?: number, cwd?: string }} [options]
 * @returns {Promise<{ code: number, output: string }>} 127 where the program does not exist
 */
export function run(command, args, { env = {}, quiet = false, timeoutMs = 0, cwd = ROOT } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
      // npm is a .cmd file on Windows, which only a shell starts.
      shell: process.platform === 'win32',
      timeout: timeoutMs,
    });
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', () => resolve({ code: 127, output }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/**
 * Whether a script was started by itself and not imported.
 *
 * @param {string} url `import.meta.url` of the script
 */
export const isMain = (url) => process.argv[1] === fileURLToPath(url);

/** @param {string} text */
export const say = (text) => process.stdout.write(`${text}\n`);

/** @param {number} startedMs `performance.now()` at the start */
export const elapsed = (startedMs) => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
