/** @file `lab resume`: a saved run goes on, and gives the same bits as one that never stopped. */
import { CheckpointFolder } from './checkpointFolder';
import { type Command, type ExitCode, type Input, textOf } from './command';
import type { Host } from './host';
import { trainOptions, trainRun } from './trainRun';

export const resume: Command = {
  name: 'resume',
  summary: 'Goes on with the run of a checkpoint, to the same bits as if it had never stopped.',
  subject: 'folder',
  options: {
    steps: {
      value: 'N',
      help: 'Stop after step N of the whole run; without it the run goes on until Ctrl-C.',
    },
    metrics: { value: 'FILE', help: 'Add all that is measured to FILE, as JSON lines.' },
    checkpoint: {
      value: 'DIR',
      help: 'Save to a new folder; without it a run that the lab saved is saved in its place.',
    },
    ...trainOptions,
  },
  run,
};

async function run(input: Input, host: Host): Promise<ExitCode> {
  const source = new CheckpointFolder(input.subject);
  const files = source.read();
  const folder = target(source, textOf(input, 'checkpoint'), files.has(STATE_FILE));
  return trainRun(
    { input, folder, isContinued: true, begin: (driver) => driver.load(files) },
    host,
  );
}

/** What only a checkpoint of the lab has: without it there are weights, and no run to go on with. */
const STATE_FILE = 'trainer.json';

/** Weights that somebody else saved are never replaced. */
function target(
  source: CheckpointFolder,
  path: string | undefined,
  isOwn: boolean,
): CheckpointFolder | undefined {
  const folder = path === undefined ? undefined : new CheckpointFolder(path);
  if (folder && folder.path !== source.path) {
    folder.claim(false);
    return folder;
  }
  if (!isOwn && !folder) return undefined;
  source.claim(isOwn);
  return source;
}
