/** @file The rail at the left: preset, settings, and what a running run obeys. */
import type { Locator, Page } from '@playwright/test';
import { presetById } from '@/engine/config/presets';
import { fieldAt, type SettingPath } from '@/engine/config/settings';
import { optionLabel } from '@/ui/format/settings';
import { type Family, families, familyOf, shortLabel } from '@/ui/rail/families';

export class Settings {
  readonly preset: Locator;
  /** Starts the drafted experiment. */
  readonly newRun: Locator;

  constructor(readonly page: Page) {
    this.preset = page.getByRole('radiogroup', { name: 'Preset', exact: true });
    this.newRun = page.getByRole('button', { name: 'New run' });
  }

  /** Drafts a run on another preset. */
  async choosePreset(id: string): Promise<void> {
    const preset = presetById(id)!;
    const family = families.find((one) => one.id === familyOf(preset))!;
    await this.showFamily(family);
    await this.preset.getByText(shortLabel(preset, family), { exact: true }).click();
  }

  /** Looks at the presets of a family; nothing is drafted. */
  async showFamily({ label }: Family): Promise<void> {
    const tabs = this.page.getByRole('radiogroup', { name: 'Family of presets' });
    await tabs.getByText(label, { exact: true }).click();
  }

  /** Opens a fold of the rail by its title. */
  async open(title: string): Promise<void> {
    const rail = this.page.getByRole('complementary', { name: 'Experiment' });
    await rail
      .locator('summary')
      .filter({ has: this.page.getByText(title, { exact: true }) })
      .click();
  }

  /** The field of a number or a text. */
  field(path: SettingPath): Locator {
    return this.page.getByRole('textbox', { name: fieldAt(path)!.label, exact: true });
  }

  /** Types a value and leaves the field, as a visitor does. */
  async fill(path: SettingPath, value: string | number): Promise<void> {
    await this.field(path).fill(String(value));
    await this.field(path).press('Enter');
  }

  /** The options of a choice, one of them checked. */
  choice(path: SettingPath): Locator {
    return this.page.getByRole('radiogroup', { name: fieldAt(path)!.label, exact: true });
  }

  /** Takes an option of a choice, as the settings table calls it. */
  async choose(path: SettingPath, option: string): Promise<void> {
    await this.choice(path).getByText(optionLabel(option), { exact: true }).click();
  }
}
