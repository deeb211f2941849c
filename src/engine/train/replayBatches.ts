/** @file The batches of a replay: `batch.json`, a list of steps with `tokens`, `targets` and `doc_ids`, each B x T. */
import { ConfigError } from '@/engine/config/experiment';
import { type Batch, IGNORED } from '@/engine/data/batch';
import type { ReplayShape } from '@/engine/files/replayRecipe';

/** A target that counts for nothing, as PyTorch's losses have it. */
const IGNORED_IN_FILE = -100;

export interface ReplayBatches {
  readonly batches: readonly Batch[];
  readonly shape: ReplayShape;
}

/**
 * @param stepCount leading steps to take; all of them where it is undefined.
 * @throws {ConfigError} naming the step and the entry: a ragged table, another shape, a token out of range.
 */
export function replayBatches(
  json: unknown,
  vocabSize: number,
  stepCount: number | undefined,
): ReplayBatches {
  const steps = (json as { readonly steps?: unknown } | null)?.steps;
  if (!Array.isArray(steps) || steps.length === 0) throw refused('steps', 'want a list of batches');
  const wanted = stepCount ?? steps.length;
  if (wanted > steps.length) {
    throw refused('steps', `has ${steps.length} batches, train.json wants ${wanted} steps`);
  }
  const shape = shapeOf(steps[0]?.tokens);
  const batches = steps.slice(0, wanted).map((step, index): Batch => {
    const place = `step ${index}`;
    const { tokens, targets, doc_ids: documents } = (step ?? {}) as Record<string, unknown>;
    const table = (name: string, values: unknown, least: number, most: number) =>
      flat(`${place}, ${name}`, values, shape, least, most);
    return {
      tokens: Uint32Array.from(table('tokens', tokens, 0, vocabSize - 1)),
      targets: Uint32Array.from(
        table('targets', targets, IGNORED_IN_FILE, vocabSize - 1),
        (target) => (target < 0 ? IGNORED : target),
      ),
      documents: Uint32Array.from(table('doc_ids', documents, 0, IGNORED - 1)),
      domains: new Uint32Array(shape.sequences * shape.length),
    };
  });
  return { batches, shape };
}

function shapeOf(tokens: unknown): ReplayShape {
  const length = Array.isArray(tokens) && Array.isArray(tokens[0]) ? tokens[0].length : 0;
  if (length === 0) throw refused('step 0, tokens', 'want rows of numbers');
  return { sequences: (tokens as unknown[]).length, length };
}

function flat(
  place: string,
  values: unknown,
  { sequences, length }: ReplayShape,
  least: number,
  most: number,
): number[] {
  const isTable =
    Array.isArray(values) &&
    values.length === sequences &&
    values.every((row) => Array.isArray(row) && row.length === length);
  if (!isTable) throw refused(place, `want ${sequences} rows of ${length} numbers, as in step 0`);
  const numbers = values.flat() as unknown[];
  const odd = numbers.find((n) => !Number.isInteger(n) || !isBetween(n as number, least, most));
  if (odd !== undefined) {
    const also = least < 0 ? ` or ${least}` : '';
    throw refused(place, `want 0 to ${most}${also}, got ${String(odd)}`);
  }
  return numbers as number[];
}

/** A negative least stands for itself alone: -100, and nothing between it and 0. */
const isBetween = (n: number, least: number, most: number): boolean =>
  (n >= 0 && n <= most) || (least < 0 && n === least);

const refused = (place: string, why: string) => new ConfigError(`batch.json, ${place}: ${why}`);
