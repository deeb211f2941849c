/** @file Back, forward and a typed address lead from experiment to experiment. */
import { expect, test } from './fixtures';
import { addressOf, tinyExperiment } from './tinyExperiment';

const narrow = addressOf(tinyExperiment());
const wide = addressOf(tinyExperiment({ model: { width: 24 } }));

test('back and forward open the experiments that were here', async ({ page, runBar, settings }) => {
  await page.goto(narrow);
  await runBar.step.click();
  await runBar.reaches(1);
  await expect(settings.field('model.width')).toHaveValue('16');
  await page.goto(wide);
  await expect(settings.field('model.width')).toHaveValue('24');
  await expect(runBar.play).toBeEnabled();
  expect(await runBar.steps()).toBe(0);
  await page.goBack();
  await expect(settings.field('model.width')).toHaveValue('16');
  await expect(page.getByText('It waits for Play.')).toBeVisible();
  await page.goForward();
  await expect(settings.field('model.width')).toHaveValue('24');
  await runBar.step.click();
  await runBar.reaches(1);
});

test('a new run is a page of its own in the history', async ({ page, runBar, settings }) => {
  await page.goto(narrow);
  await expect(runBar.play).toBeEnabled();
  await settings.fill('model.width', 24);
  await settings.newRun.click();
  await runBar.reaches(2);
  expect(new URL(page.url()).hash).toBe(wide.slice(1));
  await page.goBack();
  await expect(settings.field('model.width')).toHaveValue('16');
  await expect(runBar.play).toBeEnabled();
  expect(new URL(page.url()).hash).toBe(narrow.slice(1));
});
