import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { benchCases } from '../../bench/cases/index';
import { stepCases } from '../../bench/cases/steps';
import type { Report } from '../../bench/run';
import { Workbench } from '../../bench/workbench';
import { openLab } from '../support/lab';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const lab = openLab();

describe('cases', () => {
  it('have names of their own', () => {
    const names = [...benchCases, ...stepCases].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  // Recording needs the device for its limits only; nothing runs.
  it.each(benchCases)('$name times something', (one) => {
    const bench = new Workbench(lab.open());
    one.record(bench);
    expect(bench.timedCount).toBeGreaterThan(0);
    expect(one.flops + one.bytes).toBeGreaterThan(0);
  });
});

describe('npm run bench', () => {
  it('measures one case and writes what it printed', async () => {
    const json = join(tmpdir(), `bench-${process.pid}.json`);
    const args = ['--quick', '--repeats', '2', '--only', 'matmul nn tiny', '--json', json];
    const { code, out } = await bench(args);
    expect(code).toBe(0);
    expect(out).toMatch(/matmul nn tiny +[\d.]+/);
    const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
    rmSync(json);
    expect(report.peaks.flops).toBeGreaterThan(0);
    expect(report.peaks.bytes).toBeGreaterThan(0);
    expect(report.cases).toHaveLength(1);
    const [{ ms, flops }] = report.cases as [Report['cases'][number]];
    expect(ms.count).toBe(2);
    expect(flops).toBeCloseTo((1000 * 2 * 16 ** 3) / ms.median, 3);
  });

  it('refuses what it does not know in one line', async () => {
    expect(await bench(['--only', 'no such case'])).toMatchObject({ code: 1 });
    const { code, err } = await bench(['--fast']);
    expect(code).toBe(1);
    expect(err).toContain('--fast: no such option');
    expect(err).not.toContain('    at ');
  });
});

function bench(
  args: readonly string[],
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['scripts/bench.mjs', ...args], { cwd: ROOT });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}
