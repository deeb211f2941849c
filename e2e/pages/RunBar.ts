/** @file The bar at the top: what a run is told, and its figures. */
import { expect, type Locator, type Page } from '@playwright/test';
import { reading } from './metrics';

export class RunBar {
  readonly play: Locator;
  readonly pause: Locator;
  readonly step: Locator;
  readonly reset: Locator;
  readonly copyLink: Locator;

  constructor(readonly page: Page) {
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    this.play = button('Play');
    this.pause = button('Pause');
    this.step = button('Step');
    this.reset = button('Reset');
    this.copyLink = button('Copy link');
  }

  /** Steps finished, as the page shows them; 0 before the first. */
  async steps(): Promise<number> {
    return (await reading(this.page, 'train.step'))?.value ?? 0;
  }

  /** Waits until that many steps are finished. */
  async reaches(step: number): Promise<void> {
    await expect
      .poll(() => this.steps(), { message: `step ${step}`, timeout: 150_000 })
      .toBeGreaterThanOrEqual(step);
  }
}
