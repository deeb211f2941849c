/** @file Which kept run the page offers to go on with: one that broke off, and that the address asks for. */
import type { Experiment } from '@/engine/config/experiment';
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

/**
 * Whether a run of the address's experiment may have stood there: the same start, and the same changes until
 * then. The address may know of changes that were made after it was kept.
 */
export function isOf({ link, step }: StoredCheckpoint, address: string): boolean {
  const kept = decodeLink(link);
  const asked = decodeLink(address);
  if (!('experiment' in kept && 'experiment' in asked)) return false;
  if (startOf(kept.experiment) !== startOf(asked.experiment)) return false;
  const before = kept.experiment.timeline;
  const { timeline } = asked.experiment;
  const later = timeline.slice(before.length);
  return (
    changesOf(timeline.slice(0, before.length)) === changesOf(before) &&
    later.every((change) => change.step >= step)
  );
}

const startOf = (experiment: Experiment) => encodeLink({ ...experiment, timeline: [] });

const changesOf = (timeline: Experiment['timeline']) =>
  JSON.stringify(timeline.map(({ step, path, to }) => [step, path, to]));
