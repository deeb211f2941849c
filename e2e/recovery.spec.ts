/** @file A device taken away in mid-run, and a run that is not a number any more: said, and a way on. */
import { expect, test } from './fixtures';
import { reading, recordShown, shownByStep } from './pages/metrics';
import { addressOf, tinyExperiment } from './tinyExperiment';

// A browser of its own: what is done to its GPU process must not reach other tests.
test.use({
  launchOptions: async ({ launchOptions }, use) => {
    const args = [...(launchOptions.args ?? []), '--disable-gpu-process-crash-limit'];
    await use({ ...launchOptions, args });
  },
});

/** Steps between two checkpoints in memory of a run of this size. */
const CHECKPOINT_EVERY = 25;
/** The device goes so many steps after a checkpoint: there is something to repeat. */
const LOST_AFTER = 10;
const LEAST_REPEATED = 6;
/** A little more work for each step, or the next checkpoint would be there before the device is gone. */
const unhurried = tinyExperiment({ data: { contextLength: 64, batchSequences: 4 } });

test('a lost device: the run goes on from its checkpoint with the same losses', async ({
  page,
  browser,
  runBar,
}) => {
  await page.goto(addressOf(unhurried));
  await runBar.step.click();
  await runBar.reaches(1);
  await recordShown(page, 'train.loss');
  await runBar.play.click();
  await runBar.reaches(CHECKPOINT_EVERY + 1);
  const afterCheckpoint = async () => (await runBar.steps()) % CHECKPOINT_EVERY;
  await expect.poll(afterCheckpoint, { intervals: [20] }).toBeGreaterThanOrEqual(LOST_AFTER);

  const session = await browser.newBrowserCDPSession();
  await session.send('Browser.crashGpuProcess');
  await expect(page.getByText(/The driver took the device back at step \d+/)).toBeVisible();
  const story = page.getByText(/Training goes on from the copy of step \d+/);
  const [resumedAt] = numbersIn(await story.textContent());
  expect(resumedAt! % CHECKPOINT_EVERY).toBe(0);
  expect(resumedAt).toBeGreaterThan(0);
  const [lostAt] = numbersIn(await page.getByText(/The driver took/).textContent());
  await runBar.reaches(lostAt! + 3);
  await runBar.rest();

  const repeated = [...(await shownByStep(page))].filter(
    ([step, values]) => step > resumedAt! && values.length > 1,
  );
  expect(repeated.length).toBeGreaterThanOrEqual(LEAST_REPEATED);
  for (const [step, values] of repeated) {
    expect(new Set(values), `losses told for step ${step}`).toEqual(new Set([values[0]]));
  }
});

const numbersIn = (text: string | null) => (text?.match(/\d+/g) ?? []).map(Number);

test('a run that is not a number stops, names the tensor, and goes back', async ({
  page,
  runBar,
  settings,
}) => {
  await page.goto(addressOf(tinyExperiment()));
  await runBar.play.click();
  await runBar.reaches(30);
  await runBar.rest();
  // Rates and decays that no weights bear: they grow ninefold with every step.
  await settings.open('Muon');
  await settings.open('AdamW');
  await settings.fill('optimizer.muonWeightDecay', 10);
  await settings.fill('optimizer.embeddingWeightDecay', 10);
  await settings.fill('optimizer.muonLearningRate', 1);
  await settings.fill('optimizer.adamwLearningRate', 1);
  await runBar.play.click();
  await expect(page.getByText(/Stopped at step \d+: the loss is not a number/)).toBeVisible({
    timeout: 120_000,
  });
  await expect(page.getByText(/First in/)).toContainText(/First in [a-z]/);

  const back = page.getByRole('button', { name: /^Back to step \d+$/ });
  const [checkpoint] = numbersIn(await back.textContent());
  expect(checkpoint! % CHECKPOINT_EVERY).toBe(0);
  expect(checkpoint).toBeGreaterThan(0);
  await back.click();
  await expect(runBar.play).toBeEnabled();
  expect(await runBar.steps()).toBe(checkpoint);
  await settings.fill('optimizer.muonWeightDecay', 0);
  await settings.fill('optimizer.embeddingWeightDecay', 0);
  await settings.fill('optimizer.muonLearningRate', 0.01);
  await settings.fill('optimizer.adamwLearningRate', 0.001);
  await runBar.lossesOfSteps(2);
  expect(Number.isFinite((await reading(page, 'train.loss'))!.value)).toBe(true);
});
