/** @file Settings and their values in words. */
import type { LiveChange } from '@/engine/config/experiment';
import type { Value } from '@/engine/config/field';
import { fieldAt, type SettingPath } from '@/engine/config/settings';
import { formatValue } from './numbers';

/** Options that are names, written as their papers write them. */
const properNames: Readonly<Record<string, string>> = {
  smebu: 'SMEBU',
  adamw: 'AdamW',
  muon: 'Muon',
  rsdb: 'RSDB',
  mxfp8: 'MXFP8',
  dion: 'Dion',
  polarExpress: 'Polar Express',
  trinity: 'Trinity',
  hunyuan: 'Hunyuan',
  rms: 'RMS',
};

export const optionLabel = (option: string): string => properNames[option] ?? option;

/** A value as text: options by name, numbers short. */
export const valueWords = (value: Value): string => {
  if (value === '') return 'empty';
  return typeof value === 'string' ? optionLabel(value) : formatValue(value);
};

const labelOf = (path: SettingPath): string => fieldAt(path)?.label ?? path;

/** A message with the labels of the settings that it names by path. */
export const withLabels = (message: string): string =>
  message.replace(/\b[a-z]\w*\.[a-z]\w*/g, (path) => fieldAt(path)?.label ?? path);

/** `Balancer none to SMEBU`. */
export const changeWords = ({ path, from, to }: LiveChange): string =>
  `${labelOf(path)} ${valueWords(from)} to ${valueWords(to)}`;

/** `Balancer SMEBU`, for the top of a marker. */
export const settingName = (path: SettingPath, value: Value): string =>
  `${labelOf(path)} ${valueWords(value)}`;
