/** @file The six changes of Trinity Large: those that act at once, those that wait, and both recipes whole. */
import { interventions } from '@/engine/config/presets';
import { expect, test } from './fixtures';
import { reading } from './pages/metrics';
import { addressOf, tinyExperiment } from './tinyExperiment';

test('a live change acts on the run, leaves a mark, and is read in the indicators', async ({
  page,
  runBar,
  panels,
}) => {
  await page.goto(addressOf(tinyExperiment({ schedule: { microBatches: 2 } })));
  await runBar.play.click();
  await runBar.reaches(4);
  const stability = panels.panel('Stability');
  await stability.scrollIntoViewIfNeeded();
  await stability
    .getByRole('radiogroup', { name: 'z-loss' })
    .getByText('0', { exact: true })
    .click();
  await expect(
    page.getByRole('button', { name: /^Step \d+: z-loss weight 1e-6 to 0/ }).first(),
  ).toBeAttached();
  await expect.poll(async () => (await reading(page, 'train.zLoss'))?.value).toBe(0);
  for (const name of [
    'train.maxLogit',
    'train.meanLogit',
    'train.batchHet',
    'train.lossVariance',
  ] as const) {
    expect(Number.isFinite((await reading(page, name))?.value), name).toBe(true);
  }
});

test('what the model computes waits for a new run, whose draft keeps what changes meanwhile', async ({
  page,
  runBar,
  panels,
  settings,
}) => {
  await page.goto(addressOf(tinyExperiment()));
  await runBar.play.click();
  await runBar.reaches(2);
  const stability = panels.panel('Stability');
  await stability.scrollIntoViewIfNeeded();
  const dense = stability.getByRole('radiogroup', { name: 'More dense layers' });
  await dense.getByText('2', { exact: true }).click();
  await expect(stability.getByText('waits for a new run')).toBeVisible();
  await stability
    .getByRole('radiogroup', { name: 'SMEBU' })
    .getByText('sign', { exact: true })
    .click();
  await stability.getByRole('button', { name: 'Start what waits' }).click();
  await runBar.reaches(2);
  await expect(settings.newRun).toBeHidden();
  await expect(dense.getByRole('radio', { name: '2' })).toBeChecked();
  await expect(settings.choice('balance.kind').getByRole('radio', { name: 'sign' })).toBeChecked();
});

test('both recipes are there whole', async ({ page, runBar, panels }) => {
  await page.goto(addressOf(tinyExperiment()));
  await expect(runBar.play).toBeEnabled();
  const stability = panels.panel('Stability');
  await stability.scrollIntoViewIfNeeded();
  await stability.getByRole('button', { name: 'All as before' }).click();
  const waiting = interventions.filter(
    ({ path }) => !path.startsWith('balance.') && !path.startsWith('loss.'),
  );
  for (const { label } of waiting) {
    const choice = stability.getByRole('radiogroup', { name: label, exact: true });
    await expect(choice.getByRole('radio').first()).toBeChecked();
  }
  await stability.getByRole('button', { name: 'All as after' }).click();
  await expect(stability.getByText('6 of 6 as after')).toBeVisible();
});
