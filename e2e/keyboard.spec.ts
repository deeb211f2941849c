/** @file Everything by keyboard: the run bar, and a cursor on the heatmaps that reads cells out. */
import { expect, test } from './fixtures';
import { addressOf, tinyExperiment } from './tinyExperiment';

test('the run bar is reached by Tab and obeys Space', async ({ page, runBar }) => {
  await page.goto(addressOf(tinyExperiment()));
  await expect(runBar.play).toBeEnabled();
  await page.keyboard.press('Tab');
  await expect(runBar.play).toBeFocused();
  await page.keyboard.press('Space');
  await runBar.reaches(2);
  await expect(runBar.pause).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(runBar.play).toBeEnabled();
  const paused = await runBar.steps();
  await page.keyboard.press('Tab');
  await expect(runBar.step).toBeFocused();
  await page.keyboard.press('Space');
  await runBar.reaches(paused + 1);
});

test('arrow keys read cells of a heatmap out, Enter chooses the layer', async ({
  page,
  runBar,
  panels,
}) => {
  await page.goto(addressOf(tinyExperiment()));
  await runBar.step.click();
  await runBar.reaches(1);
  const load = panels.panel('Expert load');
  await load.scrollIntoViewIfNeeded();
  await runBar.lossesOfSteps(1);
  const map = load.getByRole('application', { name: /every expert in every layer/ });
  await map.focus();
  await page.keyboard.press('Home');
  await expect(load.getByText(/^layer 1, expert 0: \d+ tokens/)).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  const read = load.getByText(/^layer 2, expert 1: \d+ tokens/);
  await expect(read).toBeVisible();
  // The cell is also said to those who hear the page; its bias may be of the step before.
  await expect(page.locator('p[aria-live=polite][role=status]')).toHaveText(
    /^layer 2, expert 1: \d+ tokens/,
  );
  await page.keyboard.press('Enter');
  await expect(load.getByText('Layer 2, which domain goes where')).toBeVisible();
});

test('the loss curve is read by arrow keys', async ({ page, runBar, panels }) => {
  await page.goto(addressOf(tinyExperiment()));
  await runBar.lossesOfSteps(3);
  const chart = panels.panel('Loss').getByRole('slider');
  await chart.focus();
  await page.keyboard.press('Home');
  await expect(chart).toHaveAttribute('aria-valuenow', '0');
  await page.keyboard.press('End');
  await expect(chart).toHaveAttribute('aria-valuenow', '3');
  await expect(chart).toHaveAttribute('aria-valuetext', /^step 3, \d/);
});
