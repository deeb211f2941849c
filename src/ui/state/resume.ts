/** @file Runs out of files: one that this browser keeps goes on, one from outside is opened. */
import { resolve } from '@/engine/config/experiment';
import { decodeLink } from '@/engine/config/link';
import type { CheckpointFiles } from '@/engine/train/commands';
import { droppedFiles } from '@/ui/storage/dropped';
import type { PickedFile } from '@/ui/storage/gather';
import type { StoredCheckpoint } from '@/ui/storage/record';
import { startAgain } from './boot';
import { writeAddress } from './experiments';
import type { Lab } from './lab';
import { isOf } from './offers';
import { work } from './stored';
import { enterAnew, stayBefore } from './transport';

/** Goes on with a kept checkpoint, paused. Where it is refused, what runs goes on untouched. */
export async function resume(lab: Lab, stored: StoredCheckpoint): Promise<void> {
  await work(
    lab,
    { label: 'Reading the checkpoint', title: 'The run could not go on', canCancel: true },
    async ({ signal }) => {
      refuseWithoutText(lab, stored);
      const address = isOf(stored, lab.address.read()) ? 'replace' : 'push';
      const files = await lab.storage.read(stored.id, { signal });
      signal.throwIfAborted();
      await enterFiles(lab, files, address);
    },
  );
}

/** Opens the checkpoint among the visitor's files, paused. Where it is refused, what runs goes on untouched. */
export async function openFiles(
  lab: Lab,
  picked: readonly PickedFile[] | Promise<readonly PickedFile[]>,
): Promise<void> {
  const doing = { label: 'Reading the files', title: 'The files were not opened', canCancel: true };
  await work(lab, doing, async (course) => {
    const files = await lab.storage.gather(await picked, course);
    course.signal.throwIfAborted();
    await enterFiles(lab, files, 'push');
  });
}

/** The same with what was dropped; called in the drop event itself. */
export async function openDropped(lab: Lab, transfer: DataTransfer): Promise<void> {
  const files = droppedFiles(transfer);
  files.catch(() => {}); // told where they are read, which is not at all where something else is being done
  await openFiles(lab, files);
}

/** The offer is taken back: the automatic checkpoints of that run go, so that it is not made again. */
export async function discard(lab: Lab): Promise<void> {
  const { offer, entries = [] } = lab.stored.getState();
  lab.stored.setState({ offer: undefined });
  if (!offer) return;
  const same = entries.filter(({ kind, tab }) => kind === 'automatic' && tab === offer.tab);
  await work(lab, { label: 'Deleting', title: 'The run was not discarded', canCancel: false }, () =>
    lab.storage.remove(same.map(({ id }) => id)),
  );
}

/** A text of the visitor's is in no checkpoint. @throws in words what to do */
function refuseWithoutText(lab: Lab, { link }: StoredCheckpoint): void {
  const kept = decodeLink(link);
  if (!('experiment' in kept) || lab.run.getState().ownText) return;
  if (resolve(kept.experiment).data.ownTextWeight === 0) return;
  throw new Error(
    'This run reads your own text, which no checkpoint holds. Add the same text under Data first.',
  );
}

/** The engine starts the run of these files; the page follows once it stands. @throws where it is refused */
async function enterFiles(
  lab: Lab,
  files: CheckpointFiles,
  address: 'replace' | 'push',
): Promise<void> {
  await lab.preparing;
  if (lab.run.getState().crash !== undefined) await startAgain(lab);
  // What follows is the engine's: the run bar shows it, and its Cancel ends it.
  lab.stored.setState({ work: { label: 'Opening it', share: undefined, cancel: undefined } });
  const generation = lab.generation;
  const heardBefore = lab.hearing;
  if (heardBefore === 'none') lab.hearing = 'fromPreparing';
  if (!lab.run.getState().info) lab.run.setState({ phase: 'preparing' });
  const loading = lab.client.load(files);
  lab.preparing = loading.then(
    () => true,
    () => false,
  );
  try {
    const info = await loading;
    if (generation !== lab.generation) return;
    lab.generation++;
    lab.hearing = 'all';
    lab.run.setState({ isFromLink: false, draft: undefined });
    enterAnew(lab, info);
    lab.stored.setState({ offer: undefined });
    writeAddress(lab, address);
  } catch (error) {
    if (generation === lab.generation) stayBefore(lab, heardBefore);
    throw error;
  }
}
