/**
 * @file What a link holds: a preset, what differs from it, and the changes made while it ran.
 * Two people with the same experiment and the same adapter get the same bits.
 */
import { refusal, type Value } from './field';
import { type Preset, presetById } from './presets';
import { complaints } from './rules';
import {
  defaultSettings,
  fieldAt,
  isLive,
  type SettingPath,
  type Settings,
  type SettingsChanges,
  settingRows,
  valueAt,
  withValue,
} from './settings';

/** A live setting that got a new value between two steps of a run. */
export interface LiveChange {
  /** Number of finished steps when the change took effect; the first step after it uses `to`. */
  readonly step: number;
  readonly path: SettingPath;
  readonly from: Value;
  readonly to: Value;
}

export interface Experiment {
  /** Id of the preset that it stands on. */
  readonly preset: string;
  /** What differs from that preset, from step 0. */
  readonly changes: SettingsChanges;
  /** Changes made in mid-run, by step. */
  readonly timeline: readonly LiveChange[];
}

/** Settings that cannot be: the message names the place, what was wanted and what came. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** An untouched experiment on a preset. */
export const experimentOn = (preset: string): Experiment => ({ preset, changes: {}, timeline: [] });

/** Table defaults, then the preset, then the changes. Ranges and rules are not checked here. */
export function layered(preset: Preset, changes: SettingsChanges): Settings {
  let values = defaultSettings;
  for (const layer of [preset.changes, changes]) {
    for (const [group, fields] of Object.entries(layer)) {
      for (const [name, value] of Object.entries(fields ?? {})) {
        values = withValue(values, `${group}.${name}` as SettingPath, value as Value);
      }
    }
  }
  return values;
}

/**
 * The settings that an experiment starts with.
 * @throws {ConfigError} on an unknown preset or path, a value out of range, or values that cannot stand together.
 */
export function resolve(experiment: Experiment): Settings {
  const preset = presetById(experiment.preset);
  if (!preset) throw new ConfigError(`preset: there is no preset named ${experiment.preset}`);
  for (const [group, fields] of Object.entries(experiment.changes)) {
    for (const name of Object.keys(fields ?? {})) {
      if (!fieldAt(`${group}.${name}`)) throw new ConfigError(`${group}.${name}: no such setting`);
    }
  }
  const values = layered(preset, experiment.changes);
  const complaint = complaints(values)[0];
  if (complaint) throw new ConfigError(`${complaint.path}: ${complaint.message}`);
  for (const change of experiment.timeline) checkLiveChange(change);
  return values;
}

/** @throws {ConfigError} where the path is not live or the value cannot stand there. */
export function checkLiveChange({ step, path, to }: Omit<LiveChange, 'from'>): void {
  const field = fieldAt(path);
  if (!field) throw new ConfigError(`${path}: no such setting`);
  if (!isLive(path))
    throw new ConfigError(`${path}: starts a new run, cannot change at step ${step}`);
  const why = refusal(field, to);
  if (why) throw new ConfigError(`${path}: ${why}, got ${String(to)}`);
  if (!Number.isInteger(step) || step < 0)
    throw new ConfigError(`${path}: step ${step} is not a step`);
}

/** What differs between `values` and the preset, row by row: the changes that a link needs. */
export function difference(preset: Preset, values: Settings): SettingsChanges {
  const base = layered(preset, {});
  const changes: Record<string, Record<string, Value>> = {};
  for (const [path] of settingRows) {
    const value = valueAt(values, path);
    if (value === valueAt(base, path)) continue;
    const [group, name] = path.split('.') as [string, string];
    changes[group] = { ...changes[group], [name]: value };
  }
  return changes as SettingsChanges;
}
