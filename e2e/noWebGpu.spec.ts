/** @file A browser without WebGPU: the page says so and what to do, never a blank one. */
import { expect, test } from './fixtures';

// Browsers offer WebGPU to secure pages only, and plain HTTP under a name is none: what a visitor
// meets who serves the lab to the next machine.
const HOST = 'lab.test';

test.use({
  baseURL: async ({ baseURL }, use) => use(baseURL?.replace('127.0.0.1', HOST)),
  launchOptions: async ({ launchOptions }, use) =>
    use({
      ...launchOptions,
      args: [...(launchOptions.args ?? []), `--host-resolver-rules=MAP ${HOST} 127.0.0.1`],
    }),
});

test('a page without WebGPU says so and what to do', async ({ page }) => {
  await page.goto('/');
  expect(await page.evaluate(() => 'gpu' in navigator)).toBe(false);
  await expect(page.getByRole('heading', { name: /WebGPU/ })).toBeVisible();
  await expect(page.getByText(/Chrome|Edge/).first()).toBeVisible();
});
