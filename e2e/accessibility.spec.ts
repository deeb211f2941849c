/** @file What an automatic check can see of accessibility, in both themes and on a narrow screen. */
import { AxeBuilder } from '@axe-core/playwright';
import { experimentOn } from '@/engine/config/experiment';
import { encodeLink } from '@/engine/config/link';
import { expect, test } from './fixtures';

const SIZES = [
  { name: 'wide', width: 1280, height: 800 },
  { name: 'narrow', width: 390, height: 844 },
] as const;

for (const colorScheme of ['dark', 'light'] as const) {
  for (const { name, width, height } of SIZES) {
    test(`axe finds nothing serious, ${name}, ${colorScheme}`, async ({ page, runBar }) => {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      // A link waits for Play, so the page holds still while it is looked at.
      await page.goto(`/#${encodeLink(experimentOn('micro'))}`);
      await expect(runBar.play).toBeEnabled();
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(
        ({ impact }) => impact === 'serious' || impact === 'critical',
      );
      expect(
        serious.map(({ id, nodes }) => [id, ...nodes.map(({ target }) => target.join(' '))]),
      ).toEqual([]);
    });

    test(`nothing is wider than the screen, ${name}, ${colorScheme}`, async ({ page, runBar }) => {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.goto(`/#${encodeLink(experimentOn('micro'))}`);
      await expect(runBar.play).toBeEnabled();
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBe(0);
    });
  }
}
