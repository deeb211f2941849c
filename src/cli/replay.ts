/** @file `lab replay`: given steps on given weights and batches, with every tensor on the way in a file. */
import { renameSync, writeFileSync } from 'node:fs';
import {
  openDevice,
  readReplayFolder,
  replay as replayed,
  replayFile,
  Tuner,
} from '@/engine/index';
import { autotuneOption, tuningsOf } from './autotune';
import { CheckpointFolder } from './checkpointFolder';
import {
  type Command,
  type ExitCode,
  exitCodes,
  type Input,
  requiredTextOf,
  UsageError,
} from './command';
import type { Host } from './host';

export const replay: Command = {
  name: 'replay',
  summary:
    'Runs given training steps and writes what they compute, to compare with another program.',
  subject: 'folder',
  options: {
    out: { value: 'FILE', help: 'Where the tensors go, as safetensors; must be given.' },
    ...autotuneOption,
  },
  details: `DIR holds also train.json (the hyper-parameters) and batch.json (tokens, targets and documents of each step),
as the folders in tests/goldens do. FILE gets logits, router scores, choices and gates before the first step,
the gradients of the first step, the weights after the first and the last, and the expert counts and biases of
every step, under the names of tests/goldens/README.md. Losses, norms and counts go to standard output, as JSON.`,
  run,
};

async function run(input: Input, host: Host): Promise<ExitCode> {
  const path = requiredTextOf(input, 'out');
  const folder = readReplayFolder(new CheckpointFolder(input.subject).read());
  await host.prepareAdapter();
  const { nodeGpu } = await import('@/engine/node');
  const open = await openDevice(nodeGpu());
  try {
    const tuner = new Tuner(tuningsOf(input, host));
    await tuner.learn(open, folder.settings);
    const tuning = tuner.tuning(folder.settings);
    const { tensors, steps } = await replayed(open, folder, tuning);
    write(path, replayFile(tensors));
    host.stdout.write(`${JSON.stringify({ steps })}\n`);
  } finally {
    open.close();
  }
  return exitCodes.done;
}

/** Under another name first: nobody reads half of it. */
function write(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(`${path}.new`, bytes);
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw new UsageError(`--out: ${path} cannot be written, ${(error as Error).message}`);
  }
}
