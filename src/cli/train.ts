/** @file `lab train`: a whole run on the device of this machine. */
import type { Experiment, Plan, RunInfo } from '@/engine/index';
import { CheckpointFolder } from './checkpointFolder';
import { type Command, type ExitCode, type Input, textOf } from './command';
import type { Driver } from './driver';
import type { Host } from './host';
import { byteSize } from './numbers';
import { readExperiment } from './readExperiment';
import { setOption } from './setOption';
import { trainOptions, trainRun } from './trainRun';

export const train: Command = {
  name: 'train',
  summary: 'Trains an experiment on this machine, the same run as the page makes of it.',
  subject: 'experiment',
  options: {
    steps: { value: 'N', help: 'Stop after step N; without it the run goes on until Ctrl-C.' },
    ...setOption,
    metrics: { value: 'FILE', help: 'Write all that is measured to FILE, as JSON lines.' },
    checkpoint: {
      value: 'DIR',
      help: 'Save the run to a new folder at the end, and when it is interrupted.',
    },
    ...trainOptions,
  },
  run,
};

async function run(input: Input, host: Host): Promise<ExitCode> {
  const experiment = readExperiment(input);
  const path = textOf(input, 'checkpoint');
  const folder = path === undefined ? undefined : new CheckpointFolder(path);
  folder?.claim(false);
  const begin = (driver: Driver) => started(driver, experiment);
  return trainRun({ input, folder, isContinued: false, begin }, host);
}

/** @throws where this adapter cannot hold it, with what would fit */
async function started(driver: Driver, experiment: Experiment): Promise<RunInfo> {
  const { refusal } = await driver.trainer.plan(experiment);
  if (refusal) throw new Error(refusalWords(experiment, refusal));
  return driver.start(experiment);
}

const refusalWords = (
  { preset }: Experiment,
  { message, recomputedBytes, fits }: NonNullable<Plan['refusal']>,
): string =>
  [
    `${preset}: ${message}`,
    ...(recomputedBytes === undefined
      ? []
      : [`With --set run.activationCheckpointing=true it needs ${byteSize(recomputedBytes)}.`]),
    ...(fits ? [`The preset ${fits} fits.`] : []),
  ].join(' ');
