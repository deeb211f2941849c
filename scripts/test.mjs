/**
 * @file `npm test`: installs what the tests need, runs every check, cheapest first, and ends with the
 * line `N passed, N failed`. A check counts as one, the unit and end-to-end tests as many as they are.
 * Nothing is skipped: what cannot run has failed.
 */
import { readFileSync, rmSync } from 'node:fs';
import { ensureAdapter } from './adapter.mjs';
import { ensureChromium } from './chromium.mjs';
import { ensurePackages } from './packages.mjs';
import { elapsed, ROOT, run, SetupError, say } from './terminal.mjs';

/** @typedef {{ passed: number, failed: number, skipped?: number }} Count */

/**
 * A step is one script of package.json. `needs`: a script without which it cannot run.
 *
 * @type {readonly { title: string, script: string, args?: string[], count?: (code: number) => Count, needs?: string }[]}
 */
const STEPS = [
  { title: 'Format and lint', script: 'lint' },
  { title: 'Types', script: 'types' },
  { title: 'Import cycles', script: 'cycles' },
  { title: 'Import borders', script: 'borders' },
  {
    title: 'Unit tests',
    script: 'unit',
    args: ['--reporter=default', '--reporter=json', '--outputFile.json=test-results/unit.json'],
    count: countUnit,
  },
  { title: 'Build of the page', script: 'build' },
  { title: 'Build of the engine alone', script: 'build:engine' },
  { title: 'End-to-end tests', script: 'e2e', count: countEndToEnd, needs: 'build' },
];

/** @returns {Promise<Record<string, string>>} variables for every step */
async function prepare() {
  await ensurePackages();
  const chromium = await ensureChromium();
  const adapter = await ensureAdapter(chromium);
  say(`Chromium: ${chromium}\nAdapter of the unit tests: ${adapter.name}`);
  const { code } = await run('npm', ['run', '--silent', 'corpora']);
  if (code !== 0) throw new SetupError('The texts could not be prepared.');
  return { ...adapter.env, CHROMIUM_PATH: chromium };
}

async function test() {
  const env = await prepare();
  const total = { passed: 0, failed: 0 };
  const failedScripts = new Set();
  for (const { title, script, args = [], count = countCheck, needs } of STEPS) {
    say(`\n=== ${title}`);
    const started = performance.now();
    const isPossible = needs === undefined || !failedScripts.has(needs);
    if (!isPossible) say(`Cannot run: npm run ${needs} has failed.`);
    const {
      passed,
      failed,
      skipped = 0,
    } = isPossible
      ? count((await run('npm', ['run', '--silent', script, '--', ...args], { env })).code)
      : countCheck(1);
    if (failed > 0) failedScripts.add(script);
    total.passed += passed;
    total.failed += failed;
    const left = skipped > 0 ? `, ${skipped} skipped` : '';
    say(`--- ${title}: ${passed} passed, ${failed} failed${left} (${elapsed(started)})`);
  }
  return total;
}

/**
 * @param {number} code
 * @returns {Count}
 */
function countCheck(code) {
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/**
 * @param {number} code
 * @returns {Count}
 */
function countUnit(code) {
  const report = reportOf('test-results/unit.json');
  if (!report) return countCheck(1);
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  return atLeastOneFailed(code, {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  });
}

/**
 * @param {number} code
 * @returns {Count}
 */
function countEndToEnd(code) {
  const report = reportOf('test-results/e2e.json');
  if (!report) return countCheck(1);
  const { expected, unexpected, flaky, skipped } = report.stats;
  return atLeastOneFailed(code, { passed: expected, failed: unexpected + flaky, skipped });
}

/**
 * A run that ended badly has failed, also where no single test says so; so has one without a test.
 *
 * @param {number} code
 * @param {Count} count
 * @returns {Count}
 */
const atLeastOneFailed = (code, count) =>
  (code !== 0 && count.failed === 0) || count.passed + count.failed === 0
    ? { ...count, failed: 1 }
    : count;

/** @param {string} path */
function reportOf(path) {
  try {
    return JSON.parse(readFileSync(ROOT + path, 'utf8'));
  } catch {
    return undefined;
  }
}

// A report of an earlier run must not be read for one that died before it wrote its own.
rmSync(`${ROOT}test-results`, { recursive: true, force: true });
const started = performance.now();
/** @type {Count} */
let total = { passed: 0, failed: 1 };
try {
  total = await test();
} catch (error) {
  process.stderr.write(`\n${error instanceof SetupError ? error.message : error.stack}\n`);
}
say(`\nAll of it took ${elapsed(started)}.`);
say(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;
