/** @file What a command is, and how its arguments are read. All commands take one experiment. */
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

export interface Command {
  readonly name: string;
  /** One line: what it does. */
  readonly summary: string;
  readonly options: Readonly<Record<string, Option>>;
  /** @throws {UsageError, ConfigError} before anything was begun */
  run(input: Input, host: Host): Promise<ExitCode>;
}

/** The arguments of one call. */
export interface Input {
  readonly experiment: string;
  /** Values by option in the order given; a flag that is set has an empty list. */
  readonly options: ReadonlyMap<string, readonly string[]>;
}

/** @throws {UsageError} */
export function parseInput({ name, options }: Command, args: readonly string[]): Input {
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
  const experiments = tokens.flatMap((token) => (token.kind === 'positional' ? token.value : []));
  const [experiment, extra] = experiments;
  if (!experiment) throw new UsageError(`${name}: want an experiment; see lab ${name} --help`);
  if (extra !== undefined) throw new UsageError(`${name}: want one experiment, got also ${extra}`);
  return { experiment, options: found };
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

/** @returns undefined where the option is not given. @throws {UsageError} */
export function countOf(input: Input, option: string): number | undefined {
  const text = textOf(input, option);
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1 || text.trim() === '') {
    throw new UsageError(`--${option}: want a whole number from 1, got ${text}`);
  }
  return count;
}
