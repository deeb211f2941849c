/** @file The page never blocks: no task of its main thread over 100 ms while micro trains. */
import { expect, test } from './fixtures';
import { longTasks, observeLongTasks, pageTime } from './pages/longTasks';
import { PANEL_TITLES } from './pages/Panels';

/** ms; longer is noticed. */
const MOST_MS = 100;
/** Opening the page is one task or two whatever is done; it ends here. ms */
const LOADED_MS = 3000;
const STEPS = 8;
/**
 * Tasks are timed by the clock on the wall, and training on a software adapter takes every core: what else the
 * machine does lengthens any task. A stretch that fails is measured again; a page that blocks fails them all.
 */
const STRETCHES = 3;

test.use({ viewport: { width: 1280, height: 5000 } });

test('with all panels open, no task is over 100 ms while micro trains', async ({
  page,
  runBar,
  settings,
  panels,
}, testInfo) => {
  test.slow();
  await observeLongTasks(page);
  await page.goto('/');
  await runBar.reaches(2);
  await expect.poll(() => pageTime(page)).toBeGreaterThan(LOADED_MS);
  for (const title of PANEL_TITLES) await expect(panels.panel(title)).toBeInViewport();
  const worst: string[] = [];
  for (let stretch = 0; stretch < STRETCHES; stretch++) {
    const since = await pageTime(page);
    const from = await runBar.steps();
    await runBar.reaches(from + STEPS / 2);
    await settings.choose('balance.kind', stretch % 2 === 0 ? 'none' : 'smebu');
    await runBar.reaches(from + STEPS);
    const [longest] = await longTasks(page, since);
    worst.push(longest ? `${Math.round(longest.duration)} ms` : 'none over 50 ms');
    if (!longest || longest.duration <= MOST_MS) break;
  }
  testInfo.annotations.push({ type: 'longest task', description: worst.join(', ') });
  expect(worst.at(-1), `longest task of each stretch: ${worst.join(', ')}`).toMatch(
    /^(none|\d\d? ms|100 ms)/,
  );
});
