/** @file The visitor's own text: taken or refused with a reason, never a page that stands still. */
import { open, writeFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';
import { dropOn } from './pages/drop';
import { costliest, mainThreadTasks } from './pages/mainThread';
import { addressOf, tinyExperiment } from './tinyExperiment';

const WORDS = 'It was a bright cold day in April, and the clocks were striking. '.repeat(40);
/** A tab is frozen where it takes no click for longer, ms on a core. The memory for such a file is one task. */
const MOST_MS = 150;

const choose = (page: Page, files: string | { name: string; mimeType: string; buffer: Buffer }) =>
  page
    .getByRole('complementary', { name: 'Experiment' })
    .locator('input[type=file]')
    .setInputFiles(files);

test('a dropped text becomes a domain of the next run', async ({
  page,
  runBar,
  settings,
  panels,
}, testInfo) => {
  const path = testInfo.outputPath('clocks.txt');
  await writeFile(path, WORDS);
  await page.goto(addressOf(tinyExperiment()));
  await expect(runBar.play).toBeEnabled();
  await dropOn(page.getByText(/^Your own text stays on this device/), [path]);
  await expect(page.getByText(/^clocks\.txt, .*read by the next run\.$/)).toBeVisible();
  await expect(settings.field('data.ownTextWeight')).toHaveValue('0.3');
  await settings.newRun.click();
  await runBar.reaches(2);
  await panels.panel('Expert load').scrollIntoViewIfNeeded();
  const domains = panels.panel('Expert load').getByText('Your text', { exact: true });
  await expect(domains).toBeVisible();
  // The link holds the share and never the text: whoever opens it is asked for one.
  expect(page.url().length).toBeLessThan(500);
  await page.reload();
  await expect(page.getByText('This experiment reads a text of its author’s')).toBeVisible();
  await expect(runBar.play).toBeDisabled();
});

test('a pasted text is taken in; an empty one and a binary are refused in words', async ({
  page,
  runBar,
  settings,
}) => {
  await page.goto(addressOf(tinyExperiment()));
  await expect(runBar.play).toBeEnabled();
  await choose(page, { name: 'empty.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) });
  await expect(page.getByText(/empty\.txt was not added/).first()).toBeVisible();
  await expect(page.getByText(/There is no text in it/)).toBeVisible();
  const picture = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256));
  await choose(page, { name: 'picture.png', mimeType: 'image/png', buffer: picture });
  await expect(page.getByText(/It is not text: \d+ % of its bytes/)).toBeVisible();
  await expect(settings.newRun).toBeHidden();

  await page.getByRole('textbox', { name: 'Paste a text' }).fill(WORDS);
  await page.getByRole('button', { name: 'Add this text' }).click();
  await expect(page.getByText(/^pasted text, .*read by the next run\.$/)).toBeVisible();
  await expect(settings.newRun).toBeEnabled();
  await page.getByRole('button', { name: 'Remove it' }).click();
  await expect(page.getByText(/^Your own text stays on this device/)).toBeVisible();
});

test('100 MB are taken, 101 MB refused, and the page stays awake', async ({
  browser,
  page,
  runBar,
}, testInfo) => {
  await page.goto(addressOf(tinyExperiment()));
  await runBar.play.click();
  await runBar.reaches(2);
  for (const [name, megabytes, answer] of [
    ['large.txt', 100, /^large\.txt, 95\.4 MiB, read by the next run\.$/],
    ['larger.txt', 101, /It has 101 MB; up to 100 MB can be added/],
  ] as const) {
    const path = testInfo.outputPath(name);
    const file = await open(path, 'w');
    const megabyte = Buffer.from(WORDS.repeat(400)).subarray(0, 1e6);
    for (let i = 0; i < megabytes; i++) await file.write(megabyte);
    await file.close();
    const tasks = await mainThreadTasks(browser, page, async () => {
      const steps = await runBar.steps();
      await choose(page, path);
      await expect(page.getByText(answer)).toBeVisible();
      await runBar.reaches(steps + 2);
    });
    expect(tasks[0]?.ran, `${name}: ${costliest(tasks)}`).toBeLessThanOrEqual(MOST_MS);
  }
});
