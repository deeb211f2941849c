/**
 * @file An experiment as the text after the `#` of a link, and back.
 *
 *   v1.<letters of linkText.ts>, holding the JSON
 *   [preset, [[path, value], …], [[step, path, value], …]]
 *
 * One experiment has one text: values equal to the preset's are left out, rows stand in table order,
 * live changes by step and then in table order. What a change changed from follows from the rest and
 * is not stored. No text of a link ever becomes the key of an object.
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
import { LinkError, packText, unpackText } from './linkText';
import { type Preset, presetById } from './presets';
import {
  fieldAt,
  type SettingPath,
  type SettingsChanges,
  settingRows,
  valueAt,
  withValue,
} from './settings';

/** Longest text that is written or looked at, in letters. */
export const MAX_LINK_LETTERS = 64 * 1024;
/** Most live changes that a link holds. */
export const MAX_LINK_CHANGES = 1000;
/** Longest part of a link's own words that a message repeats, in letters. */
const MAX_QUOTED_LETTERS = 160;

/**
 * `migrations[n]` turns the data of version n + 1 into that of version n + 2, so the list says which
 * version this is. A version also ends when a preset gets other values: its migration writes the old
 * ones out, and an old link goes on meaning what it meant.
 */
const migrations: readonly ((older: unknown) => unknown)[] = [];
const VERSION = migrations.length + 1;

const Name = v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/));
const AnyValue = v.union([v.number(), v.string(), v.boolean()]);
const Step = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const LinkData = v.strictTuple([
  Name,
  v.pipe(v.array(v.strictTuple([Name, AnyValue])), v.maxLength(settingRows.length)),
  v.pipe(v.array(v.strictTuple([Step, Name, AnyValue])), v.maxLength(MAX_LINK_CHANGES)),
]);

/**
 * The text of an experiment, `v1.…`, without the `#`. Equal experiments give equal texts.
 * @throws {ConfigError} where the experiment cannot be, {LinkError} where it is too long for a link.
 */
export function encodeLink(experiment: Experiment): string {
  resolve(experiment);
  const preset = knownPreset(experiment.preset);
  const timeline = settled(preset, experiment.changes, experiment.timeline);
  if (timeline.length > MAX_LINK_CHANGES) {
    throw new LinkError(
      `It has ${timeline.length} live changes; a link holds ${MAX_LINK_CHANGES}.`,
    );
  }
  const changes = difference(preset, layered(preset, experiment.changes));
  const data: v.InferOutput<typeof LinkData> = [
    preset.id,
    Object.entries(changes).flatMap(([group, fields]) =>
      Object.entries(fields).map(([name, value]): [string, Value] => [`${group}.${name}`, value]),
    ),
    timeline.map(({ step, path, to }) => [step, path, to]),
  ];
  const text = `v${VERSION}.${packText(JSON.stringify(data))}`;
  if (text.length > MAX_LINK_LETTERS) throw tooLong(text);
  return text;
}

/**
 * The experiment of a link, or one or two short sentences for a person on why there is none. Takes
 * any text whatever, with or without the `#`; never throws, and never uses a part of a bad link.
 */
export function decodeLink(hash: string): { experiment: Experiment } | { error: string } {
  try {
    return { experiment: experimentOf(dataOf(hash.startsWith('#') ? hash.slice(1) : hash)) };
  } catch (error) {
    if (!(error instanceof LinkError || error instanceof ConfigError)) throw error;
    const why =
      error instanceof LinkError
        ? error.message
        : `It asks for something that cannot be: ${quotable(error.message)}.`;
    return { error: `${why} Nothing of it was used; this is the default experiment.` };
  }
}

/** The data of a text of any version, brought to this one. */
function dataOf(text: string): unknown {
  if (text.length > MAX_LINK_LETTERS) throw tooLong(text);
  const parts = /^v([1-9]\d{0,3})\.(.*)$/s.exec(text);
  if (!parts) {
    const isBeginning = /^(v\d{0,4})?$/.test(text);
    throw new LinkError(
      isBeginning
        ? 'It ends before it says anything, so it was probably cut when it was copied.'
        : 'It is not a link of Trinity Lab.',
    );
  }
  const version = Number(parts[1]);
  if (version > VERSION) {
    throw new LinkError('This link was made by a newer version of Trinity Lab.');
  }
  const data = jsonOf(unpackText(parts[2]!));
  return migrations.slice(version - 1).reduce((older, migrate) => migrate(older), data);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notAnExperiment();
  }
}

/** The experiment of checked data, every value checked against the settings table. */
function experimentOf(data: unknown): Experiment {
  const parsed = v.safeParse(LinkData, data);
  if (!parsed.success) throw notAnExperiment();
  const [presetId, rows, timeline] = parsed.output;
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

const tooLong = ({ length }: string) =>
  new LinkError(`It is ${length} letters long; a link has at most ${MAX_LINK_LETTERS}.`);

const notAnExperiment = () => new LinkError('It does not hold an experiment.');

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

/** Words of a link's own, short and without letters that steer the text around them. */
function quotable(words: string): string {
  const plain = words.replace(/\p{C}/gu, '');
  return plain.length > MAX_QUOTED_LETTERS ? `${plain.slice(0, MAX_QUOTED_LETTERS)}…` : plain;
}
