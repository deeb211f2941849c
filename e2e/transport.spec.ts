/** @file What the run bar's buttons do to a run. */
import { expect, guard, test } from './fixtures';
import { reading } from './pages/metrics';
import { RunBar } from './pages/RunBar';
import { addressOf, tinyExperiment } from './tinyExperiment';

test('play, pause, one step, reset', async ({ page, runBar }) => {
  await page.goto(addressOf(tinyExperiment()));
  await runBar.play.click();
  await runBar.reaches(4);
  const paused = await runBar.rest();
  expect((await reading(page, 'train.loss'))!.step).toBe(paused);

  await runBar.lossesOfSteps(1);
  await expect(runBar.play).toBeEnabled();
  expect(await runBar.steps()).toBe(paused + 1);

  await runBar.reset.click();
  await expect.poll(() => runBar.steps()).toBe(0);
  await expect(runBar.play).toBeEnabled();
  expect(await reading(page, 'train.loss')).toBeUndefined();
  await runBar.play.click();
  await runBar.reaches(2);
});

test('a run pauses and goes on while needles are being measured', async ({
  page,
  runBar,
  panels,
}) => {
  const probes = { evalEvery: 1, needleEvery: 1, needleTrials: 2, sampleEvery: 1, sampleLength: 8 };
  await page.goto(addressOf(tinyExperiment({ probes })));
  await panels.panel('Needles').scrollIntoViewIfNeeded();
  for (const step of [3, 6, 9]) {
    await runBar.play.click();
    await runBar.reaches(step);
    await expect(page.getByText(/, being measured$/)).toBeVisible();
    await runBar.rest();
  }
});

test('a run that was reset does the same again', async ({ page, runBar }) => {
  await page.goto(addressOf(tinyExperiment()));
  const first = await runBar.lossesOfSteps(3);
  await runBar.reset.click();
  await expect.poll(() => runBar.steps()).toBe(0);
  await expect(runBar.step).toBeEnabled();
  expect(await runBar.lossesOfSteps(3)).toEqual(first);
});

test('two tabs train at once', async ({ page, context, runBar, complaints, baseURL }) => {
  const other = await context.newPage();
  guard(other, baseURL, complaints);
  const otherBar = new RunBar(other);
  await page.goto(addressOf(tinyExperiment()));
  await other.goto(addressOf(tinyExperiment()));
  await runBar.play.click();
  await otherBar.play.click();
  await runBar.reaches(5);
  await otherBar.reaches(5);
  // The first still runs while the second does: neither took the adapter from the other.
  const before = await runBar.steps();
  await runBar.reaches(before + 2);
});

test('a prompt is continued while the run goes on', async ({ page, runBar, panels }) => {
  await page.goto(addressOf(tinyExperiment()));
  await runBar.play.click();
  await runBar.reaches(2);
  const samples = panels.panel('Samples');
  await samples.getByRole('textbox', { name: 'Your prompt' }).fill('Call me ');
  await samples.getByRole('textbox', { name: 'bytes' }).fill('12');
  await samples.getByRole('button', { name: 'Continue the text' }).click();
  const reply = samples.getByText(/step \d+, seed 0, in /);
  await expect(reply).toBeVisible();
  await expect(samples.locator('em', { hasText: 'Call me' })).toBeVisible();
  await runBar.reaches((await runBar.steps()) + 2);
});
