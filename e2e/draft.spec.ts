/** @file Settings that start a new run are drafted: seen beside what runs, dropped or started together. */
import { expect, test } from './fixtures';
import { addressOf, tinyExperiment } from './tinyExperiment';

test('a drafted width says what it was, and is dropped or started', async ({
  page,
  runBar,
  settings,
}) => {
  await page.goto(addressOf(tinyExperiment()));
  await runBar.play.click();
  await runBar.reaches(2);
  const address = page.url();
  const rail = page.getByRole('complementary', { name: 'Experiment' });

  await settings.fill('model.width', 24);
  await expect(rail.getByText('was 16', { exact: true })).toBeVisible();
  await expect(rail.getByText(/^1 change, .*iB$/)).toBeVisible();
  // The run that runs is not touched by a draft.
  expect(page.url()).toBe(address);
  await runBar.reaches((await runBar.steps()) + 1);

  await page.getByRole('button', { name: 'Discard' }).click();
  await expect(settings.field('model.width')).toHaveValue('16');
  await expect(settings.newRun).toBeHidden();

  await settings.fill('model.width', 24);
  await settings.newRun.click();
  await expect(runBar.pause).toBeVisible();
  await runBar.reaches(2);
  await expect(settings.field('model.width')).toHaveValue('24');
  expect(page.url()).not.toBe(address);
});

test('values that cannot stand together are refused with both of them', async ({
  page,
  runBar,
  settings,
}) => {
  await page.goto(addressOf(tinyExperiment()));
  await expect(runBar.play).toBeEnabled();
  await settings.fill('model.expertsPerToken', 5);
  await expect(page.getByText('5 is over Experts (4)', { exact: true })).toBeVisible();
  await expect(
    page.getByText('Experts per token: 5 is over Experts (4)', { exact: true }).first(),
  ).toBeVisible();
  await expect(settings.newRun).toBeDisabled();
  await settings.fill('model.expertCount', 8);
  await expect(settings.newRun).toBeEnabled();
});
