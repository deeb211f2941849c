/** @file Which kept run the page offers to go on with: one that broke off, and that the address asks for. */
import type { Experiment, LiveChange } from '@/engine/config/experiment';
import { decodeLink, encodeLink } from '@/engine/config/link';
import type { StoredCheckpoint } from '@/ui/storage/record';
import type { Lab } from './lab';

/**
 * Looks for a run to go on with: the newest automatic checkpoint of this tab or of a closed one.
 * @param isAnyMeant the address was empty, so any run will do; else only one of the address's experiment
 */
export function offerResume(lab: Lab, isAnyMeant: boolean): void {
  const { entries = [] } = lab.stored.getState();
  const offer = entries.find(
    (entry) =>
      entry.kind === 'automatic' &&
      entry.owner !== 'another tab' &&
      (isAnyMeant || isOf(entry, lab.address.read())),
  );
  lab.stored.setState({ offer });
}

/** Whether a run of the address's experiment may have stood there. */
export const isOf = (entry: StoredCheckpoint, address: string): boolean =>
  laterChanges(entry, address) !== undefined;

/**
 * The changes of the address that came after the checkpoint, so that it does not know of them; undefined where it
 * is no run of that experiment: another start, or other changes before it.
 */
export function laterChanges(
  { link, step }: StoredCheckpoint,
  address: string,
): readonly LiveChange[] | undefined {
  const kept = decodeLink(link);
  const asked = decodeLink(address);
  if (!('experiment' in kept && 'experiment' in asked)) return undefined;
  if (startOf(kept.experiment) !== startOf(asked.experiment)) return undefined;
  const known = new Set(kept.experiment.timeline.map(keyOf));
  const later = asked.experiment.timeline.filter((change) => !known.delete(keyOf(change)));
  return known.size === 0 && later.every((change) => change.step >= step) ? later : undefined;
}

const startOf = (experiment: Experiment) => encodeLink({ ...experiment, timeline: [] });

const keyOf = ({ step, path, to }: LiveChange) => `${step} ${path} ${String(to)}`;
