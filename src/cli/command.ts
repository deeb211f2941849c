/** @file What a command is, and how its arguments are read: one subject, then options. */
import { parseArgs } from 'node:util';
import type { Host } from './host';

/** Arguments that cannot be understood; the message is one line for a person. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Exit codes of every command. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface Option {
  /** Name of its value in the help; a flag has none. */
  readonly value?: string;
  readonly help: string;
  /** May stand more than once. */
  readonly isRepeatable?: true;
}

/** What a command is about: an experiment by any of its names, or a folder with a checkpoint in it. */
export type Subject = 'experiment' | 'folder';

export interface Command {
  readonly name: string;
  /** One line: what it does. */
  readonly summary: string;
  readonly subject: Subject;
  /** Further lines of its help text. */
  readonly details?: string;
  readonly options: Readonly<Record<string, Option>>;
  /** @throws {UsageError, ConfigError} before anything was begun */
  run(input: Input, host: Host): Promise<ExitCode>;
}

/** The arguments of one call. */
export interface Input {
  /** The experiment or the folder, as it was typed. */
  readonly subject: string;
  /** Values by option in the order given; a flag that is set has an empty list. */
  readonly options: ReadonlyMap<string, readonly string[]>;
}

const articles: Readonly<Record<Subject, string>> = {
  experiment: 'an experiment',
  folder: 'a folder',
};

/** @throws {UsageError} */
export function parseInput({ name, options, subject }: Command, args: readonly string[]): Input {
  const types = Object.entries(options).map(
    ([option, { value }]) => [option, { type: value ? 'string' : 'boolean' }] as const,
  );
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(types),
    allowPositionals: true,
    // Its own messages run over several sentences; the checks below say the same in one.
    strict: false,
    tokens: true,
  });
  const found = new Map<string, readonly string[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = options[token.name];
    if (!option || !token.rawName.startsWith('--')) {
      throw new UsageError(`${token.rawName}: no such option; see lab ${name} --help`);
    }
    found.set(token.name, [
      ...(found.get(token.name) ?? []),
      ...optionValue(token.rawName, option, token.value, found.has(token.name)),
    ]);
  }
  const given = tokens.flatMap((token) => (token.kind === 'positional' ? token.value : []));
  const [first, extra] = given;
  if (!first) throw new UsageError(`${name}: want ${articles[subject]}; see lab ${name} --help`);
  if (extra !== undefined) throw new UsageError(`${name}: want one ${subject}, got also ${extra}`);
  return { subject: first, options: found };
}

function optionValue(
  name: string,
  { value, isRepeatable }: Option,
  given: string | undefined,
  isAgain: boolean,
): string[] {
  if (isAgain && !isRepeatable) throw new UsageError(`${name}: given more than once`);
  if (!value) {
    if (given !== undefined) throw new UsageError(`${name}: takes no value, got ${given}`);
    return [];
  }
  if (given === undefined || given === '') throw new UsageError(`${name}: want ${value}`);
  return [given];
}

/** The value of an option that stands at most once. */
export const textOf = ({ options }: Input, option: string): string | undefined =>
  options.get(option)?.[0];

/** The value of an option that must be given. @throws {UsageError} */
export function requiredTextOf(input: Input, option: string): string {
  const text = textOf(input, option);
  if (text === undefined) throw new UsageError(`--${option}: must be given`);
  return text;
}

/** @returns undefined where the option is not given. @throws {UsageError} */
export function countOf(input: Input, option: string, least = 1): number | undefined {
  const text = textOf(input, option);
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < least || text.trim() === '') {
    throw new UsageError(`--${option}: want a whole number from ${least}, got ${text}`);
  }
  return count;
}

/** @returns undefined where the option is not given. @throws {UsageError} */
export function numberOf(
  input: Input,
  option: string,
  least: number,
  most: number,
): number | undefined {
  const text = textOf(input, option);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) {
    throw new UsageError(`--${option}: want a number from ${least} to ${most}, got ${text}`);
  }
  return value;
}
