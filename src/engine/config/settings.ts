/**
 * @file Every setting of a run, in one table; its rows stand in rows/, a file for each group. `Settings`, the checks, the form, the link, the
 * command line and docs/settings.md come from it.
 *
 * "Trinity" in a source is the Arcee Trinity Large technical report, arXiv:2602.17004; its equation
 * numbers are those of the report.
 */
import type {
  BoolField,
  ChoiceField,
  Field,
  FloatField,
  IntField,
  TextField,
  Value,
} from './field';
import { balance } from './rows/balance';
import { data } from './rows/data';
import { loss } from './rows/loss';
import { model } from './rows/model';
import { optimizer } from './rows/optimizer';
import { phase2, phase3 } from './rows/phases';
import { probes } from './rows/probes';
import { run } from './rows/run';
import { schedule } from './rows/schedule';

export const settings = {
  model,
  data,
  phase2,
  phase3,
  optimizer,
  schedule,
  balance,
  loss,
  probes,
  run,
} as const satisfies Record<string, Record<string, Field>>;

type ValueOf<F> =
  F extends ChoiceField<infer T>
    ? T
    : F extends IntField | FloatField
      ? number
      : F extends BoolField
        ? boolean
        : F extends TextField
          ? string
          : never;
type ValuesOf<T> = { readonly [G in keyof T]: { readonly [K in keyof T[G]]: ValueOf<T[G][K]> } };

/** A value for every row of the table. */
export type Settings = ValuesOf<typeof settings>;
/** Values for some rows; every other keeps what it stands on. */
export type SettingsChanges = {
  readonly [G in keyof Settings]?: { readonly [K in keyof Settings[G]]?: Settings[G][K] };
};

/** `group.name` of a row. */
export type SettingPath = {
  [G in keyof Settings & string]: `${G}.${keyof Settings[G] & string}`;
}[keyof Settings & string];

/** Every row as [path, field], in table order. */
export const settingRows: readonly (readonly [SettingPath, Field])[] = Object.entries(
  settings,
).flatMap(([group, fields]) =>
  Object.entries(fields).map(
    ([name, field]) => [`${group}.${name}` as SettingPath, field] as const,
  ),
);

const fieldsByPath = new Map<string, Field>(settingRows);

/** The row at `path`; undefined when no row has that name. */
export const fieldAt = (path: string): Field | undefined => fieldsByPath.get(path);

/** Whether a change of `path` takes effect in a running run. */
export const isLive = (path: SettingPath): boolean => fieldAt(path)?.live === true;

/** The value at `path`. */
export function valueAt(values: Settings, path: SettingPath): Value {
  const [group, name] = path.split('.') as [keyof Settings, string];
  return (values[group] as Readonly<Record<string, Value>>)[name]!;
}

/** A copy of `values` with one row replaced. */
export function withValue(values: Settings, path: SettingPath, value: Value): Settings {
  const [group, name] = path.split('.') as [keyof Settings, string];
  return { ...values, [group]: { ...values[group], [name]: value } };
}

/** The table's own values. */
export const defaultSettings: Settings = settingRows.reduce<Settings>(
  (values, [path, field]) => withValue(values, path, field.default),
  {} as Settings,
);
