/** @file What can be asked of a bench: the same for both, and for the page. */

export interface Options {
  /** Only cases whose name holds this, upper and lower case alike. */
  readonly only: string;
  /** Fewer and shorter measurements: to see that it works, not to quote. */
  readonly isQuick: boolean;
  readonly repeats: number;
  /** Where the results go as JSON. */
  readonly json: string | undefined;
}

/** Arguments that cannot be understood; the message is one line for a person. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const QUICK_REPEATS = 3;

/**
 * @param args as typed, or from the query of the page.
 * @param repeats where none are asked for.
 * @throws {UsageError}
 */
export function readOptions(args: readonly string[], repeats: number): Options {
  const rest = [...args];
  let found = { only: '', isQuick: false, repeats: 0, json: undefined as string | undefined };
  while (rest.length > 0) {
    const option = rest.shift()!;
    const value = () => {
      const next = rest.shift();
      if (next === undefined || next === '') throw new UsageError(`${option}: want a value`);
      return next;
    };
    if (option === '--quick') found = { ...found, isQuick: true };
    else if (option === '--only') found = { ...found, only: value() };
    else if (option === '--json') found = { ...found, json: value() };
    else if (option === '--repeats') found = { ...found, repeats: count(value()) };
    else throw new UsageError(`${option}: no such option; there are ${OPTIONS}`);
  }
  return { ...found, repeats: found.repeats || (found.isQuick ? QUICK_REPEATS : repeats) };
}

const OPTIONS = '--only PATTERN, --quick, --repeats N and --json FILE';

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new UsageError(`--repeats: want a whole number from 1, got ${text}`);
  }
  return value;
}

export const isWanted = (name: string, { only }: Options): boolean =>
  name.toLowerCase().includes(only.toLowerCase());
