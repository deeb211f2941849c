/** @file What is known of a kept checkpoint without opening it: its manifest. */
import * as v from 'valibot';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const Record = v.object({
  version: v.literal(1),
  kind: v.picklist(['automatic', 'kept']),
  /** The visitor's words for it; empty where there are none. */
  name: v.string(),
  /** Id of the preset that its experiment stands on. */
  preset: v.string(),
  /** Finished steps. */
  step: Count,
  /** Training loss of that step, nats a token; null where none was measured. */
  loss: v.nullable(v.number()),
  /** Milliseconds since 1970. */
  savedAt: Count,
  /** Its experiment as the text of a link; empty where no link can hold it. */
  link: v.string(),
  /** Its weights came from files without a run, so that no link makes the same. */
  isImported: v.boolean(),
  /** The tab that wrote it. */
  tab: v.string(),
  files: v.array(v.object({ name: v.string(), bytes: Count, crc: Count })),
});

export type CheckpointRecord = v.InferOutput<typeof Record>;

/** What its maker says of it; the shelf adds the rest. */
export type Description = Pick<
  CheckpointRecord,
  'kind' | 'name' | 'preset' | 'step' | 'loss' | 'link' | 'isImported'
>;

/** A checkpoint on the shelf. */
export interface StoredCheckpoint extends CheckpointRecord {
  readonly id: string;
  /** Of all its files. */
  readonly bytes: number;
  /** Who looks after it: this tab, another one that is open, or none any more. */
  readonly owner: 'this tab' | 'another tab' | 'nobody';
}

/** The record of a manifest's text; undefined where it is cut or of another version. */
export function parseRecord(text: string): CheckpointRecord | undefined {
  try {
    const parsed = v.safeParse(Record, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

export const bytesOf = ({ files }: Pick<CheckpointRecord, 'files'>): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0);
