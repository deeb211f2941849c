/**
 * @file Writes the generated docs: `npm run docs`. With the JSON of a bench that measured the sweeps,
 * `npm run docs -- FILE`, the plot of costs is of that bench from then on.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { runnerImport } from 'vite';
import { ROOT, say } from './terminal.mjs';

/** @param {string} script */
async function load(script) {
  const { module } = await runnerImport(`${ROOT}scripts/${script}`, {
    configFile: false,
    root: ROOT,
    resolve: { alias: { '@': `${ROOT}src` } },
  });
  return module;
}

/**
 * @param {string} path from the root
 * @param {string} text
 */
function write(path, text) {
  writeFileSync(`${ROOT}${path}`, text);
  say(path);
}

const { settingsDocs } = await load('settingsDocs.ts');
write('docs/settings.md', settingsDocs());

const { costData, costPlot } = await load('costPlot.ts');
const COSTS = 'docs/costs.json';
const [report] = process.argv.slice(2);
if (report) {
  const data = costData(JSON.parse(readFileSync(report, 'utf8')));
  write(COSTS, `${JSON.stringify(data, undefined, 2)}\n`);
}
write('docs/costs.svg', costPlot(JSON.parse(readFileSync(`${ROOT}${COSTS}`, 'utf8'))));
