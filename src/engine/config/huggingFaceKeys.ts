/** @file One `config.json` of a Hugging Face folder, read key by key; a refusal names the key and its value. */

import { ConfigError } from './experiment';
import { refusal } from './field';
import { settings } from './settings';

export type ConfigJson = Readonly<Record<string, unknown>>;
type ModelRow = keyof typeof settings.model;

/** Longest part of a value that a message repeats, in letters. */
const MAX_QUOTED_LETTERS = 80;

export class HuggingFaceKeys {
  readonly #config: ConfigJson;

  constructor(config: ConfigJson) {
    this.#config = config;
  }

  /** The value of a key; `undefined` where it is missing or null. */
  value(key: string): unknown {
    return Object.hasOwn(this.#config, key) ? (this.#config[key] ?? undefined) : undefined;
  }

  /**
   * The value of `key` as a number that can stand in a row of the model.
   * @param fallback where the key is missing; none: it must be there.
   * @throws {ConfigError} on a missing key, another type, or a number out of the row's range.
   */
  number(key: string, row: ModelRow, fallback?: number): number {
    const value = this.value(key) ?? fallback;
    const why = refusal(settings.model[row], value);
    if (why) throw this.refused(key, why);
    return value as number;
  }

  /** @throws {ConfigError} where it is neither true nor false. */
  flag(key: string, fallback: boolean): boolean {
    const value = this.value(key) ?? fallback;
    if (typeof value !== 'boolean') throw this.refused(key, 'want true or false');
    return value;
  }

  /** @throws {ConfigError} where the key is there and its value is not one of `wanted`. */
  only(key: string, ...wanted: readonly (string | number | boolean)[]): void {
    const value = this.value(key);
    if (value !== undefined && !wanted.some((want) => want === value)) {
      throw this.refused(key, `want ${wanted.join(' or ')}`);
    }
  }

  refused(key: string, why: string): ConfigError {
    return new ConfigError(`config.json, ${key}: ${why}, got ${quoted(this.value(key))}`);
  }
}

function quoted(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length > MAX_QUOTED_LETTERS ? `${text.slice(0, MAX_QUOTED_LETTERS)}…` : text;
}
