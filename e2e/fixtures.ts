/**
 * @file What every end-to-end test starts from: the page's regions as objects, and a guard that fails
 * a test whose page wrote an error, threw one, or asked another machine for anything.
 */
import { test as base, expect, type Page } from '@playwright/test';
import { Panels } from './pages/Panels';
import { RunBar } from './pages/RunBar';
import { Settings } from './pages/Settings';

interface Fixtures {
  readonly runBar: RunBar;
  readonly settings: Settings;
  readonly panels: Panels;
  /** What went wrong so far. A test that brings an error about takes it out again. */
  readonly complaints: string[];
  /** A page of somebody else: a browser profile that never saw the lab, on the same adapter. */
  readonly stranger: Page;
}

export const test = base.extend<Fixtures>({
  runBar: async ({ page }, use) => use(new RunBar(page)),
  settings: async ({ page }, use) => use(new Settings(page)),
  panels: async ({ page }, use) => use(new Panels(page)),
  complaints: [
    async ({ page, baseURL }, use) => {
      const found: string[] = [];
      guard(page, baseURL, found);
      await use(found);
      expect(found, 'complaints of the page').toEqual([]);
    },
    { auto: true },
  ],
  stranger: async ({ browser, baseURL, complaints }, use) => {
    const profile = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await profile.newPage();
    guard(page, baseURL, complaints);
    await use(page);
    await profile.close();
  },
});

/** Writes down what a page complains of. */
export function guard(page: Page, baseURL: string | undefined, found: string[]): void {
  page.on('console', (message) => {
    if (message.type() === 'error') found.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => found.push(`thrown: ${error.message}`));
  page.on('request', (request) => {
    const isOwn = [baseURL ?? '', 'blob:', 'data:'].some((own) => request.url().startsWith(own));
    if (!isOwn) found.push(`asked for ${request.url()}`);
  });
}

export { expect };
