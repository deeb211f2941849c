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

  /** Pauses and waits until the last step has told its numbers; resolves with its number. */
  async rest(): Promise<number> {
    await this.pause.click();
    await expect(this.play).toBeEnabled();
    return this.steps();
  }

  /** Presses Step that often, one after the other; the losses in full precision, by step. */
  async lossesOfSteps(count: number): Promise<Map<number, number>> {
    const losses = new Map<number, number>();
    for (let i = 0; i < count; i++) {
      const before = await this.steps();
      await this.step.click();
      await expect
        .poll(async () => (await reading(this.page, 'train.loss'))?.step, { intervals: [50] })
        .toBe(before + 1);
      await expect(this.step).toBeEnabled();
      losses.set(before + 1, (await reading(this.page, 'train.loss'))!.value);
    }
    return losses;
  }
}
