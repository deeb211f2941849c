/** @file The command line in this process, with its words kept, and in a process of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Stream } from '@/cli/host';
import { main } from '@/cli/main';

const cache = mkdtempSync(join(tmpdir(), 'lab-cache-'));
process.on('exit', () => rmSync(cache, { recursive: true, force: true }));

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A stream that keeps what is written. */
export function keptStream(terminal: Omit<Stream, 'write'> = {}): Stream & { text: string } {
  const kept = {
    ...terminal,
    text: '',
    write(text: string) {
      kept.text += text;
    },
  };
  return kept;
}

/** Runs a command that needs no device. */
export async function lab(...args: string[]): Promise<Ended> {
  const [stdout, stderr] = [keptStream(), keptStream()];
  const code = await main(args, {
    stdout,
    stderr,
    interrupted: new AbortController().signal,
    prepareAdapter: async () => {
      throw new Error('this command needs no device');
    },
    readCorpus: async () => {
      throw new Error('this command needs no text');
    },
    cache: undefined,
  });
  return { code, out: stdout.text, err: stderr.text };
}

/**
 * Runs a command as a person does.
 * @param onError is told what is on standard error so far, and how to interrupt
 */
export function labProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  onError: (soFar: string, interrupt: () => void) => void = () => {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['scripts/lab.mjs', ...args], {
      cwd: ROOT,
      // A cache of its own: nothing is left in the user's.
      env: { ...process.env, XDG_CACHE_HOME: cache, ...env },
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
      onError(err, () => child.kill('SIGINT'));
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}
