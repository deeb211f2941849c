/** @file A browser with WebGPU and no adapter for it: the page says so and what to do, never a blank one. */
import { expect, test } from './fixtures';

// On Linux, Chromium keeps its adapters to itself unless it is asked for them.
test.use({
  launchOptions: async ({ launchOptions }, use) =>
    use({ ...launchOptions, args: ['--no-sandbox', '--disable-background-networking'] }),
});

test('a page without an adapter says so and what to do', async ({ page }) => {
  await page.goto('/');
  expect(await page.evaluate(() => navigator.gpu.requestAdapter())).toBeNull();
  await expect(page.getByRole('heading', { name: /adapter|WebGPU/ })).toBeVisible();
  await expect(page.getByText(/driver|graphics/).first()).toBeVisible();
});
