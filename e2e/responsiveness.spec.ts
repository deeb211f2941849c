/** @file The page never blocks: no task of its main thread over 100 ms while micro trains. */
import { expect, test } from './fixtures';
import { longTasks, observeLongTasks, pageTime } from './pages/longTasks';
import { PANEL_TITLES } from './pages/Panels';

/** ms; longer is noticed. */
const MOST_MS = 100;
/** Opening the page is one task or two whatever is done; it ends here. ms */
const LOADED_MS = 3000;
const STEPS = 8;

test.use({ viewport: { width: 1280, height: 3400 } });

test('with all panels open, no task is over 100 ms while micro trains', async ({
  page,
  runBar,
  settings,
  panels,
}, testInfo) => {
  await observeLongTasks(page);
  await page.goto('/');
  await runBar.reaches(2);
  await expect.poll(() => pageTime(page)).toBeGreaterThan(LOADED_MS);
  for (const title of PANEL_TITLES) await expect(panels.panel(title)).toBeInViewport();
  const since = await pageTime(page);
  const from = await runBar.steps();
  await runBar.reaches(from + STEPS / 2);
  await settings.choose('balance.kind', 'none');
  await runBar.reaches(from + STEPS);
  const tasks = await longTasks(page, since);
  const words = tasks.map(({ at, duration }) => `${Math.round(duration)} ms at ${Math.round(at)}`);
  testInfo.annotations.push({ type: 'long tasks', description: words.join(', ') || 'none' });
  expect(
    tasks.filter(({ duration }) => duration > MOST_MS),
    words.join(', '),
  ).toEqual([]);
});
