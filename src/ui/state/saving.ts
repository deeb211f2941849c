/** @file The run as it stands, out of the engine: kept in this browser, downloaded, written to a folder. */
import type { Experiment } from '@/engine/config/experiment';
import { encodeLink } from '@/engine/config/link';
import { LinkError } from '@/engine/config/linkText';
import type { CheckpointFiles } from '@/engine/train/commands';
import type { Description, StoredCheckpoint } from '@/ui/storage/record';
import type { Lab } from './lab';
import { work } from './stored';

/** A checkpoint on its way out of the page. */
export interface Outgoing {
  /** Of its folder and its archive. */
  readonly name: string;
  readonly files: ReadonlyMap<string, Blob>;
}

type Source = StoredCheckpoint | 'run';

/** What the engine calls the file that says where the run stands. */
const STATE_FILE = 'trainer.json';

/**
 * The run as it stands, with what is known of it. Undefined where the page has left it meanwhile.
 * @throws where there is no run
 */
export async function savedRun(
  lab: Lab,
  kind: Description['kind'],
  name = '',
): Promise<{ files: CheckpointFiles; description: Description } | undefined> {
  const { info } = lab.run.getState();
  const files = await lab.client.save();
  if (!info || lab.run.getState().info !== info) return undefined;
  const { experiment } = lab.run.getState();
  const step = stepOf(files);
  return {
    files,
    description: {
      kind,
      name,
      preset: experiment.preset,
      step,
      loss: lab.recorder.losses.at(step) ?? null,
      link: linkOf(experiment),
      isImported: info.isImported,
    },
  };
}

/** Training goes on while it is saved, so only the files know at which step they stand. */
function stepOf(files: CheckpointFiles): number {
  const state: { step: number } = JSON.parse(new TextDecoder().decode(files.get(STATE_FILE)));
  return state.step;
}

function linkOf(experiment: Experiment): string {
  try {
    return encodeLink(experiment);
  } catch (error) {
    if (error instanceof LinkError) return ''; // more changes than a link holds
    throw error;
  }
}

/** Keeps the run as it stands until the visitor deletes it. */
export async function keepRun(lab: Lab, name: string): Promise<void> {
  await work(
    lab,
    { label: 'Keeping the run', title: 'The run was not kept', canCancel: false },
    async () => {
      const saved = await savedRun(lab, 'kept', name);
      if (!saved) return;
      await lab.storage.keep(saved.files, saved.description);
      lab.announcer.say(`Step ${saved.description.step} is kept.`);
    },
  );
}

/** Gives a checkpoint a name, which also keeps an automatic one. */
export async function rename(lab: Lab, { id }: StoredCheckpoint, name: string): Promise<void> {
  await work(lab, { label: 'Keeping it', title: 'The name was not kept', canCancel: false }, () =>
    lab.storage.rename(id, name),
  );
}

export async function remove(lab: Lab, { id }: StoredCheckpoint): Promise<void> {
  await work(
    lab,
    { label: 'Deleting', title: 'The checkpoint was not deleted', canCancel: false },
    () => lab.storage.remove([id]),
  );
}

/** Name of a checkpoint's folder, in letters that every disk takes. */
const folderName = ({ preset, step }: Pick<Description, 'preset' | 'step'>) =>
  `${preset}-step-${step}`;

const failed = { title: 'The download was not made', canCancel: false } as const;

/** One zip archive of a folder. Of a kept checkpoint it takes no memory: it points at the disk. */
export function archiveOf(
  lab: Lab,
  source: Source,
): Promise<{ name: string; blob: Blob } | undefined> {
  return work(lab, { ...failed, label: 'Making the archive' }, async () => {
    if (source !== 'run') {
      const name = folderName(source);
      return { name: `${name}.zip`, blob: await lab.storage.archive(source.id, name) };
    }
    const saved = await savedRun(lab, 'kept');
    if (!saved) return undefined;
    const name = folderName(saved.description);
    return { name: `${name}.zip`, blob: await lab.storage.pack(saved.files, name) };
  });
}

/** Writes a checkpoint as a folder, file by file, by whatever writes one file. */
export async function writeFolder(
  lab: Lab,
  source: Source,
  openFolder: (name: string) => Promise<(file: string, content: Blob) => Promise<void>>,
): Promise<void> {
  await work(lab, { ...failed, label: 'Writing the folder' }, async ({ onShare }) => {
    const outgoing = await outgoingOf(lab, source);
    if (!outgoing) return;
    const write = await openFolder(outgoing.name);
    let count = 0;
    for (const [file, content] of outgoing.files) {
      await write(file, content);
      onShare(++count / outgoing.files.size);
    }
    lab.announcer.say(`The folder ${outgoing.name} is written.`);
  });
}

async function outgoingOf(lab: Lab, source: Source): Promise<Outgoing | undefined> {
  if (source !== 'run') {
    return { name: folderName(source), files: await lab.storage.lend(source.id) };
  }
  const saved = await savedRun(lab, 'kept');
  if (!saved) return undefined;
  const files = [...saved.files].map(([name, bytes]): [string, Blob] => [
    name,
    new Blob([bytes as Uint8Array<ArrayBuffer>]),
  ]);
  return { name: folderName(saved.description), files: new Map(files) };
}
