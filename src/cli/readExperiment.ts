/** @file An experiment as it stands on the command line: a preset, a link or a file, then `--set`. */
import { existsSync, readFileSync } from 'node:fs';
import { ConfigError, difference, layered } from '@/engine/config/experiment';
import { type Field, refusal, type Value } from '@/engine/config/field';
import { LinkError } from '@/engine/config/linkText';
import { fieldAt, withValue } from '@/engine/config/settings';
import {
  decodeLink,
  type Experiment,
  encodeLink,
  experimentOn,
  presetById,
  presets,
  type SettingPath,
} from '@/engine/index';
import { type Input, UsageError } from './command';

/** What a page says after the reason, which does not hold here: a bad link ends the command. */
const PAGE_CLOSING = / Nothing of it was used;.*$/s;

/** The experiment that the arguments name, with its `--set`. @throws {UsageError, ConfigError} */
export function readExperiment({ subject, options }: Input): Experiment {
  return withSettings(named(subject), options.get('set') ?? []);
}

/** @throws {UsageError} where `name` is neither preset nor link nor file, or not a sound one. */
function named(name: string): Experiment {
  if (presetById(name)) return experimentOn(name);
  const hash = linkIn(name);
  if (hash !== undefined) return fromLink(hash);
  if (existsSync(name)) return fromFile(name);
  const ids = presets.map(({ id }) => id).join(', ');
  throw new UsageError(`${name}: no preset, link or file of that name; the presets are ${ids}`);
}

/** The text after the `#` of a link; a bare hash is one too. */
function linkIn(name: string): string | undefined {
  const at = name.indexOf('#');
  if (at >= 0 && (at === 0 || /^[a-z]+:\/\//i.test(name))) return name.slice(at + 1);
  return /^v\d+\./.test(name) ? name : undefined;
}

function fromLink(hash: string): Experiment {
  const decoded = decodeLink(hash);
  if ('experiment' in decoded) return decoded.experiment;
  throw new UsageError(`link: ${decoded.error.replace(PAGE_CLOSING, '')}`);
}

/** `{ "preset": …, "changes": { group: { name: value } }, "timeline": [{ step, path, to }] }`. */
function fromFile(path: string): Experiment {
  const data = jsonIn(path);
  const { preset, changes = {}, timeline = [], ...others } = isRecord(data) ? data : {};
  if (typeof preset !== 'string') throw new UsageError(`${path}: want an object with a preset`);
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw new UsageError(`${path}: ${other}: want preset, changes and timeline, nothing else`);
  }
  if (!isRecord(changes) || !Object.values(changes).every(isRecord)) {
    throw new UsageError(`${path}: changes: want groups of settings, each an object`);
  }
  if (!Array.isArray(timeline) || !timeline.every(isRecord)) {
    throw new UsageError(`${path}: timeline: want a list of live changes, each an object`);
  }
  try {
    return canonical({ preset, changes, timeline } as unknown as Experiment);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof LinkError)) throw error;
    throw new UsageError(`${path}: ${error.message}`);
  }
}

function jsonIn(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path}: cannot be read, ${(error as Error).message}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path}: is not JSON, ${(error as Error).message}`);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param assignments each `path=value` */
function withSettings(experiment: Experiment, assignments: readonly string[]): Experiment {
  if (assignments.length === 0) return experiment;
  const preset = presetById(experiment.preset)!;
  let values = layered(preset, experiment.changes);
  for (const assignment of assignments) {
    const [path, value] = settingOf(assignment);
    values = withValue(values, path, value);
  }
  return canonical({ ...experiment, changes: difference(preset, values) });
}

/** The experiment that its own link would give: checked, and live changes know what they change from. */
function canonical(experiment: Experiment): Experiment {
  const decoded = decodeLink(encodeLink(experiment));
  if ('experiment' in decoded) return decoded.experiment;
  throw new UsageError(decoded.error.replace(PAGE_CLOSING, ''));
}

function settingOf(assignment: string): [SettingPath, Value] {
  const at = assignment.indexOf('=');
  if (at < 1) throw new UsageError(`--set: want path=value, got ${assignment}`);
  const path = assignment.slice(0, at);
  const text = assignment.slice(at + 1);
  const field = fieldAt(path);
  if (!field) throw new UsageError(`--set: there is no setting ${path}; --help lists them`);
  const value = valueIn(field, text);
  const why = refusal(field, value);
  if (why) throw new UsageError(`--set ${path}: ${why}, got ${text || 'nothing'}`);
  return [path as SettingPath, value];
}

/** `text` as a value for that row; not yet checked, and the text itself where it is of another kind. */
function valueIn(field: Field, text: string): Value {
  switch (field.kind) {
    case 'int':
    case 'float':
      return text.trim() === '' ? text : Number(text);
    case 'bool':
      return text === 'true' || text === 'false' ? text === 'true' : text;
    case 'choice':
    case 'text':
      return text;
  }
}
