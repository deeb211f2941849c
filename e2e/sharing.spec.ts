/** @file A link is the run: the same losses in full precision, for whoever opens it on this adapter. */
import { expect, test } from './fixtures';
import { RunBar } from './pages/RunBar';
import { Settings } from './pages/Settings';
import { addressOf, tinyExperiment } from './tinyExperiment';

const STEPS_BEFORE = 3;
const STEPS_AFTER = 5;

test('a link with a change in mid-run gives a stranger the same losses', async ({
  page,
  context,
  runBar,
  settings,
  stranger,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(addressOf(tinyExperiment({ balance: { kind: 'none' } })));
  const before = await runBar.lossesOfSteps(STEPS_BEFORE);
  await settings.choose('balance.kind', 'smebu');
  await expect(page.getByText('Balancer none to SMEBU').first()).toBeAttached();
  const after = await runBar.lossesOfSteps(STEPS_AFTER);
  const told = new Map([...before, ...after]);
  expect(told.size).toBe(STEPS_BEFORE + STEPS_AFTER);

  await runBar.copyLink.click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link).toBe(page.url());
  await page.close();

  await stranger.goto(link);
  const bar = new RunBar(stranger);
  await expect(bar.play).toBeEnabled();
  await expect(stranger.getByText('It waits for Play.')).toBeVisible();
  await expect(stranger.getByText(`at step ${STEPS_BEFORE}: Balancer none to SMEBU`)).toBeVisible();
  const again = await bar.lossesOfSteps(told.size);
  expect(again).toEqual(told);
  // The change was obeyed, not only listed: without it the losses part.
  await expect(
    new Settings(stranger).choice('balance.kind').getByRole('radio', { name: 'SMEBU' }),
  ).toBeChecked();
});

test('Reproduce does the run again and finds every loss equal', async ({
  page,
  runBar,
  settings,
}) => {
  await page.goto(addressOf(tinyExperiment()));
  await runBar.play.click();
  await runBar.reaches(4);
  await settings.choose('balance.kind', 'none');
  await runBar.reaches(12);
  const last = await runBar.rest();
  await page.getByRole('button', { name: 'Reproduce' }).click();
  await expect(
    page.getByText(`Reproduced: ${last} losses to step ${last}, equal bit for bit.`),
  ).toBeVisible();
});

test('a page reloaded in mid-run waits with its plan, then does the same again', async ({
  page,
  runBar,
}) => {
  await page.goto(addressOf(tinyExperiment()));
  const told = await runBar.lossesOfSteps(3);
  await runBar.play.click();
  await runBar.reaches(6);
  await page.reload();
  await expect(runBar.play).toBeEnabled();
  await expect(page.getByText('A link to an experiment on micro')).toBeVisible();
  await expect(page.getByText(/parameters, .* active for a token, .* of memory/)).toBeVisible();
  await expect(page.getByText(/Width: 64 to 16/)).toBeVisible();
  expect(await runBar.steps()).toBe(0);
  expect(await runBar.lossesOfSteps(3)).toEqual(told);
});
