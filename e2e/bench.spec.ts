/** @file The bench as a page: what a browser measures, and what it says to a pattern that fits nothing. */
import { readFile } from 'node:fs/promises';
import { expect, test } from './fixtures';

test('the bench measures one product and offers the numbers', async ({ page }) => {
  await page.goto('bench.html?only=matmul+nn+tiny&quick&repeats=2');
  await expect(page.getByRole('status')).toHaveText('Done.');
  await expect(page.locator('#results')).toContainText(/matmul nn tiny +[\d.]+/);
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: /JSON/ }).click();
  const report = JSON.parse(await readFile(await (await download).path(), 'utf8'));
  expect(report.cases).toHaveLength(1);
  expect(report.peaks.flops).toBeGreaterThan(0);
});

test('a pattern that fits no case is said to', async ({ page }) => {
  await page.goto('bench.html?only=nothing+like+this');
  await expect(page.getByRole('status')).toContainText('no case has such a name');
});
