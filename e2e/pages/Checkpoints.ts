/** @file The checkpoints panel: what this browser keeps, and the ways in and out. */
import { expect, type Locator, type Page } from '@playwright/test';

export class Checkpoints {
  readonly panel: Locator;
  /** One for each kept checkpoint, the newest first. */
  readonly rows: Locator;

  constructor(readonly page: Page) {
    this.panel = page.getByRole('region', { name: 'Checkpoints', exact: true });
    this.rows = this.panel.locator('tr[data-checkpoint]');
  }

  button(name: string): Locator {
    return this.panel.getByRole('button', { name, exact: true });
  }

  row(words: string | RegExp): Locator {
    return this.rows.filter({ hasText: words });
  }

  /** Waits until the page has kept that step by itself. */
  async keptByItself(step: number): Promise<void> {
    await expect(
      this.row(/^automatic/).and(this.page.locator(`[data-step="${step}"]`)),
    ).toBeVisible();
  }

  /** Presses a button that makes a download, and saves it to `path`. */
  async download(button: Locator, path: string): Promise<string> {
    const [made] = await Promise.all([this.page.waitForEvent('download'), button.click()]);
    await made.saveAs(path);
    return made.suggestedFilename();
  }

  /** Picks files by the button for them, or a folder by the other. */
  async pick(button: 'Open files' | 'Open a folder', paths: string | string[]): Promise<void> {
    const [chooser] = await Promise.all([
      this.page.waitForEvent('filechooser'),
      this.button(button).click(),
    ]);
    await chooser.setFiles(paths);
  }
}
