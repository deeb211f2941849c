/** @file Tasks of the page's main thread that kept a visitor waiting. */
import type { Page } from '@playwright/test';

export interface LongTask {
  /** Milliseconds since the page was opened. */
  readonly at: number;
  /** Milliseconds. */
  readonly duration: number;
}

declare global {
  interface Window {
    longTasks?: LongTask[];
  }
}

/** Keeps every task over 50 ms (what the browser calls long) of pages opened from now on. */
export async function observeLongTasks(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const tasks: LongTask[] = [];
    window.longTasks = tasks;
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) {
        tasks.push({ at: startTime, duration });
      }
    }).observe({ type: 'longtask', buffered: true });
  });
}

/** Milliseconds since the page was opened, on the clock of its long tasks. */
export const pageTime = (page: Page): Promise<number> => page.evaluate(() => performance.now());

/** The long tasks that began at or after `since`, the longest first. */
export async function longTasks(page: Page, since: number): Promise<LongTask[]> {
  const tasks = (await page.evaluate(() => window.longTasks)) ?? [];
  return tasks.filter(({ at }) => at >= since).sort((a, b) => b.duration - a.duration);
}
