/** @file The rail at the left: preset, settings, and what a running run obeys. */
import type { Locator, Page } from '@playwright/test';
import type { Field } from '@/engine/config/field';
import { type SettingPath, settings } from '@/engine/config/settings';

export class Settings {
  constructor(readonly page: Page) {}

  /** The choice of a preset. */
  get preset(): Locator {
    return this.page.getByRole('radiogroup', { name: 'Preset' });
  }

  /** The control of one setting, by the label that the table gives it. */
  control(path: SettingPath): Locator {
    const [group, name] = path.split('.') as [keyof typeof settings, string];
    const { label } = (settings[group] as Readonly<Record<string, Field>>)[name]!;
    return this.page.getByLabel(label, { exact: true });
  }
}
