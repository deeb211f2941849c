/** @file Writes the generated docs: `npm run docs`. */
import { writeFileSync } from 'node:fs';
import { runnerImport } from 'vite';
import { ROOT, say } from './terminal.mjs';

const { module } = await runnerImport(`${ROOT}scripts/settingsDocs.ts`, {
  configFile: false,
  root: ROOT,
  resolve: { alias: { '@': `${ROOT}src` } },
});
writeFileSync(`${ROOT}docs/settings.md`, module.settingsDocs());
say('docs/settings.md');
