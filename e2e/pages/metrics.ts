/** @file The numbers on the page, in full precision, as any script may read them. */
import type { Page } from '@playwright/test';
import type { MetricName } from '@/engine/config/metrics';

export interface Reading {
  /** Finished steps when it was measured. */
  readonly step: number;
  readonly value: number;
}

/** What the page shows of a metric now; undefined where it shows none. */
export async function reading(page: Page, name: MetricName): Promise<Reading | undefined> {
  const shown = page.locator(`[data-metric="${name}"][data-value]`).first();
  if ((await shown.count()) === 0) return undefined;
  // One call for both, or a step may pass in between.
  const text = await shown.evaluate((element) => ({
    step: element.getAttribute('data-step'),
    value: element.getAttribute('data-value'),
  }));
  return { step: Number(text.step), value: Number(text.value) };
}
