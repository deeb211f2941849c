/** @file Measured choices of kernels, kept in a file of the user's cache: a table for each adapter. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TuningStore } from '@/engine/index';

type Tables = Record<string, Readonly<Record<string, string>>>;

const isTable = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((variant) => typeof variant === 'string');

/** @param folder of this program within the cache; made when something is written. */
export function tuningFile(folder: string): TuningStore {
  const path = join(folder, 'kernels.json');
  const all = (): Tables => {
    try {
      const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
      if (typeof found !== 'object' || found === null) return {};
      return Object.fromEntries(Object.entries(found).filter(([, table]) => isTable(table)));
    } catch {
      return {}; // not there yet, or not ours: it is a cache
    }
  };
  return {
    read: async (adapter) => all()[adapter],
    write: async (adapter, table) => {
      mkdirSync(folder, { recursive: true });
      // Under another name first: nobody reads half of it.
      writeFileSync(`${path}.new`, `${JSON.stringify({ ...all(), [adapter]: table }, null, 2)}\n`);
      renameSync(`${path}.new`, path);
    },
  };
}
