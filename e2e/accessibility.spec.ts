/** @file What an automatic check can see of accessibility, in both themes and on a narrow screen. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';
import { reading } from './pages/metrics';
import { addressOf, tinyExperiment } from './tinyExperiment';

const SIZES = [
  { name: 'wide', width: 1280, height: 800 },
  { name: 'narrow', width: 390, height: 844 },
] as const;

/** Every panel has something to show after a few steps. */
const talkative = tinyExperiment({
  probes: { evalEvery: 2, needleEvery: 2, needleTrials: 1, sampleEvery: 2, sampleLength: 8 },
});

for (const colorScheme of ['dark', 'light'] as const) {
  for (const { name, width, height } of SIZES) {
    test(`fit for everybody before and in a run, ${name}, ${colorScheme}`, async ({
      page,
      runBar,
      settings,
      panels,
    }) => {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.goto(addressOf(talkative));
      await expect(runBar.play).toBeEnabled();
      await expectFit(page);

      await runBar.play.click();
      await expect
        .poll(async () => (await reading(page, 'needle.accuracyBeyond'))?.step)
        .toBeGreaterThan(0);
      await settings.choose('balance.kind', 'none');
      await runBar.reaches((await runBar.steps()) + 1);
      await panels.panel('Expert load').scrollIntoViewIfNeeded();
      await expect(panels.panel('Expert load').getByRole('application').first()).toBeVisible();
      await panels.panel('Kernels').scrollIntoViewIfNeeded();
      await expect(panels.panel('Kernels').getByRole('rowheader').first()).toBeVisible();
      await runBar.rest();
      await expectFit(page);
    });
  }
}

/** Nothing that axe calls serious or critical, and nothing wider than the screen. */
async function expectFit(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(
    serious.map(({ id, nodes }) => [id, ...nodes.map(({ target }) => target.join(' '))]),
  ).toEqual([]);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBe(0);
}
