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

declare global {
  interface Window {
    /** Every value that the page showed of the watched metric, as text, in order. */
    shownValues?: { step: number; value: string }[];
  }
}

/**
 * From now on, keeps every value of a metric that the page shows. Where several steps end within one
 * frame the page shows the newest only, so a fast run leaves gaps.
 */
export function recordShown(page: Page, name: MetricName): Promise<void> {
  return page.evaluate((metric) => {
    const shown: NonNullable<Window['shownValues']> = [];
    window.shownValues = shown;
    const look = () => {
      const element = document.querySelector(`[data-metric="${metric}"][data-value]`);
      if (!element) return;
      const step = Number(element.getAttribute('data-step'));
      const value = element.getAttribute('data-value') ?? '';
      const last = shown.at(-1);
      if (last?.step !== step || last.value !== value) shown.push({ step, value });
    };
    look();
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      attributeFilter: ['data-value', 'data-step'],
    });
  }, name);
}

/** What `recordShown` has kept: the values of each step as text, oftener than once where it came again. */
export async function shownByStep(page: Page): Promise<Map<number, string[]>> {
  const shown = (await page.evaluate(() => window.shownValues)) ?? [];
  const byStep = new Map<number, string[]>();
  for (const { step, value } of shown) byStep.set(step, [...(byStep.get(step) ?? []), value]);
  return byStep;
}
