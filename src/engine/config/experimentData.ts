/**
 * @file An experiment as plain JSON with a version, for links and files, and back. It means the same for ever:
 *
 *   [preset, [[path, value], …], [[step, path, value], …]]
 *
 * One experiment has one form: values equal to the preset's are left out, rows stand in table order, live changes by
 * step and then in table order. What a change changed from follows from the rest and is not stored. No text of it
 * ever becomes the key of an object.
 */
import * as v from 'valibot';
import {
  ConfigError,
  checkLiveChange,
  difference,
  type Experiment,
  type LiveChange,
  layered,
  resolve,
} from './experiment';
import type { Value } from './field';
import { type Preset, presetById } from './presets';
import {
  fieldAt,
  type SettingPath,
  type SettingsChanges,
  settingRows,
  valueAt,
  withValue,
} from './settings';

/**
 * `migrations[n]` turns the data of version n + 1 into that of version n + 2, so the list says which
 * version this is. A version also ends when a preset gets other values: its migration writes the old
 * ones out, and an old link goes on meaning what it meant.
 */
const migrations: readonly ((older: unknown) => unknown)[] = [];
export const EXPERIMENT_VERSION = migrations.length + 1;

const Name = v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/));
const AnyValue = v.union([v.number(), v.string(), v.boolean()]);
const Step = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Data = v.strictTuple([
  Name,
  v.pipe(v.array(v.strictTuple([Name, AnyValue])), v.maxLength(settingRows.length)),
  v.array(v.strictTuple([Step, Name, AnyValue])),
]);

export type ExperimentData = v.InferOutput<typeof Data>;

/** The data of an experiment; equal experiments give equal data. @throws {ConfigError} where it cannot be. */
export function dataOfExperiment(experiment: Experiment): ExperimentData {
  resolve(experiment);
  const preset = knownPreset(experiment.preset);
  const timeline = settled(preset, experiment.changes, experiment.timeline);
  const changes = difference(preset, layered(preset, experiment.changes));
  return [
    preset.id,
    Object.entries(changes).flatMap(([group, fields]) =>
      Object.entries(fields).map(([name, value]): [string, Value] => [`${group}.${name}`, value]),
    ),
    timeline.map(({ step, path, to }) => [step, path, to]),
  ];
}

/**
 * Any JSON whatever as data of this version; undefined where it does not have that form.
 * @param version of `older`, 1 to `EXPERIMENT_VERSION`.
 */
export function asExperimentData(version: number, older: unknown): ExperimentData | undefined {
  const data = migrations.slice(version - 1).reduce((before, migrate) => migrate(before), older);
  const parsed = v.safeParse(Data, data);
  return parsed.success ? parsed.output : undefined;
}

/** The experiment of data, every value checked against the settings table. @throws {ConfigError} */
export function experimentOfData([presetId, rows, timeline]: ExperimentData): Experiment {
  const preset = knownPreset(presetId);
  let values = layered(preset, {});
  for (const [path, value] of rows) values = withValue(values, pathOf(path), value);
  const changes = difference(preset, values);
  let lastStep = 0;
  const live = timeline.map(([step, name, to]) => {
    const path = pathOf(name);
    if (step < lastStep) {
      throw new ConfigError(`timeline: step ${step} comes after step ${lastStep}`);
    }
    lastStep = step;
    checkLiveChange({ step, path, to });
    return { step, path, to };
  });
  const experiment = { preset: preset.id, changes, timeline: settled(preset, changes, live) };
  resolve(experiment);
  return experiment;
}

/** `name` as a path, once it is known that the table has such a row. */
function pathOf(name: string): SettingPath {
  if (!fieldAt(name)) throw new ConfigError(`${name}: no such setting`);
  return name as SettingPath;
}

function knownPreset(id: string): Preset {
  const preset = presetById(id);
  if (!preset) throw new ConfigError(`preset: there is no preset named ${id}`);
  return preset;
}

/** Live changes by step and table row, one for each row and step, without those that change nothing. */
function settled(
  preset: Preset,
  changes: SettingsChanges,
  timeline: readonly Omit<LiveChange, 'from'>[],
): LiveChange[] {
  const byStep = new Map<number, Map<SettingPath, Value>>();
  for (const { step, path, to } of timeline) {
    const row = byStep.get(step) ?? new Map<SettingPath, Value>();
    byStep.set(step, row.set(path, to));
  }
  const steps = [...byStep.keys()].sort((a, b) => a - b);
  let values = layered(preset, changes);
  const kept: LiveChange[] = [];
  for (const step of steps) {
    for (const [path] of settingRows) {
      const to = byStep.get(step)?.get(path);
      const from = valueAt(values, path);
      if (to === undefined || to === from) continue;
      kept.push({ step, path, from, to });
      values = withValue(values, path, to);
    }
  }
  return kept;
}
