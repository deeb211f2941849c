/** @file Presets by what they are for: the three families, and the pair about stability. */
import { layered } from '@/engine/config/experiment';
import { type Preset, presets, stabilityPresets } from '@/engine/config/presets';

export type FamilyId = 'trinity' | 'hunyuan' | 'dots' | 'stability';

export interface Family {
  readonly id: FamilyId;
  /** On its tab. */
  readonly label: string;
  /** One line under the tabs: whose models these are. */
  readonly about: string;
  readonly presets: readonly Preset[];
}

/** The tab that a preset stands on. */
export const familyOf = (preset: Preset): FamilyId =>
  stabilityPresets.has(preset.id) ? 'stability' : layered(preset, {}).model.family;

const about: Readonly<Record<FamilyId, readonly [label: string, about: string]>> = {
  trinity: ['Trinity', 'Arcee Trinity: many small experts, Muon, SMEBU.'],
  hunyuan: ['Hunyuan', 'Tencent Hunyuan-Large: one expert a token, recycling.'],
  dots: ['dots', 'rednote dots.llm1: full attention, two shared experts.'],
  stability: ['Stability', 'Trinity Large before and after its six changes.'],
};

export const families: readonly Family[] = (Object.keys(about) as FamilyId[]).map((id) => ({
  id,
  label: about[id][0],
  about: about[id][1],
  presets: presets.filter((preset) => familyOf(preset) === id),
}));

/** A preset's name on its family's tab, which need not say the family again: `micro` of Hunyuan. */
export const shortLabel = ({ label }: Preset, family: Family): string =>
  label.replace(new RegExp(`^${family.label}[ -]`), '');
