/** @file The split of a step by kernel, on an adapter with timestamps and on one without. */
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';
import type { Panels } from './pages/Panels';
import type { RunBar } from './pages/RunBar';
import { addressOf, tinyExperiment } from './tinyExperiment';

/** Trains with the panel in view until a step was split; gives the panel. */
async function split(page: Page, runBar: RunBar, panels: Panels) {
  await page.goto(addressOf(tinyExperiment()));
  const panel = panels.panel('Kernels');
  await panel.scrollIntoViewIfNeeded();
  await expect(panel.getByText('A split with the next step')).toBeVisible();
  await runBar.play.click();
  await expect(panel.getByRole('table', { name: /by kind of kernel/ })).toBeVisible();
  return panel;
}

const shownValue = async (page: Page, metric: string) =>
  Number(
    await page.locator(`[data-metric="kernels.${metric}"]`).first().getAttribute('data-value'),
  );

test('time by kind and kernel, held against the peaks, opened by keyboard', async ({
  page,
  runBar,
  panels,
}) => {
  const panel = await split(page, runBar, panels);
  await expect.poll(() => shownValue(page, 'encodeMs')).toBeGreaterThan(0);
  await runBar.rest();
  for (const metric of [
    'deviceMs',
    'dispatches',
    'submits',
    'gigaFlops',
    'peakFlops',
    'peakBytes',
  ]) {
    expect(await shownValue(page, metric), metric).toBeGreaterThan(0);
  }
  const products = panel.getByRole('button', { name: 'matrix products' });
  await expect(products).toHaveAttribute('aria-expanded', 'false');
  await products.press('Enter');
  await expect(products).toHaveAttribute('aria-expanded', 'true');
  await expect(panel.getByRole('rowheader', { name: /^matmul/ }).first()).toBeVisible();
  await expect(panel.getByRole('columnheader', { name: '% of peak' })).toBeVisible();
  // Kinds together are the whole step.
  const times = await panel
    .locator('tbody[data-kind] > tr:first-child')
    .evaluateAll((rows) => rows.map((row) => Number(row.getAttribute('data-value'))));
  const whole = times.reduce((sum, ms) => sum + ms, 0);
  expect(whole / (await shownValue(page, 'deviceMs'))).toBeCloseTo(1, 6);
});

test('nothing is measured while the panel is out of sight', async ({ page, runBar, panels }) => {
  const panel = await split(page, runBar, panels);
  const stepOf = async () =>
    Number(await panel.locator('tbody[data-kind] > tr').first().getAttribute('data-step'));
  await page.evaluate(() => window.scrollTo(0, 0));
  await expect(panel).not.toBeInViewport();
  await runBar.reaches((await runBar.steps()) + 1);
  const last = await stepOf();
  await runBar.reaches((await runBar.steps()) + 12);
  await runBar.rest();
  await panel.scrollIntoViewIfNeeded();
  // What was on its way when the panel left may still come.
  expect(await stepOf()).toBeLessThanOrEqual(last + 4);
});

test('without timestamps it counts work and says so', async ({ page, runBar, panels }) => {
  await page.route(/\/assets\/main-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    const blind = `{ const { has } = GPUSupportedFeatures.prototype;
      GPUSupportedFeatures.prototype.has = function (name) {
        return name !== 'timestamp-query' && has.call(this, name);
      }; }`;
    await route.fulfill({ response, body: `${blind}\n${await response.text()}` });
  });
  const panel = await split(page, runBar, panels);
  await expect(panel.getByText('This adapter offers no timestamps')).toBeVisible();
  await expect(panel.getByRole('columnheader', { name: 'least ms' })).toBeVisible();
  await expect(panel.getByRole('columnheader', { name: '% of peak' })).toHaveCount(0);
  await runBar.rest();
  expect(await shownValue(page, 'gigaFlops')).toBeGreaterThan(0);
  expect(await shownValue(page, 'leastMs')).toBeGreaterThan(0);
});
