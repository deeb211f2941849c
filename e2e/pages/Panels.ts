/** @file The panels: regions named by their titles. */
import type { Locator, Page } from '@playwright/test';

export const PANEL_TITLES = [
  'Loss',
  'Expert load',
  'Router bias',
  'Stability',
  'Attention',
  'Needles',
  'Samples',
  'Kernels',
  'Checkpoints',
] as const;

export class Panels {
  constructor(readonly page: Page) {}

  panel(title: (typeof PANEL_TITLES)[number]): Locator {
    return this.page.getByRole('region', { name: title, exact: true });
  }
}
