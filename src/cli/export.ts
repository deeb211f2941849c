/** @file `lab export`: a checkpoint for other programs. No device is asked. */
import { type Destination, destinations, handOver } from '@/engine/index';
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

export const exportCommand: Command = {
  name: 'export',
  summary: 'Writes a checkpoint as a folder for transformers and vLLM, or for torchtitan.',
  subject: 'folder',
  options: {
    for: { value: destinations.join('|'), help: 'Who is to read it; must be given.' },
    out: { value: 'DIR', help: 'The new folder; must be given.' },
  },
  details: `The folder holds config.json, the weights, a tokenizer of bytes and a README with the commands that load it, serve
it and go on training. For that it also has the hyper-parameters of the run: for transformers as TrainingArguments
with a script that trains on a text of yours, for torchtitan as a configuration of its own. The README lists what the
other trainer does not do. Refused where the code of the family could not run the model as the lab does, with the
settings to blame.`,
  run,
};

async function run(input: Input, { stdout }: Host): Promise<ExitCode> {
  const destination = requiredTextOf(input, 'for');
  if (!destinations.includes(destination as Destination)) {
    throw new UsageError(`--for: want ${destinations.join(' or ')}, got ${destination}`);
  }
  const target = new CheckpointFolder(requiredTextOf(input, 'out'));
  const source = new CheckpointFolder(input.subject).read();
  target.claim(false);
  target.write(handOver(source, destination as Destination));
  stdout.write(`${target.path}\n`);
  return exitCodes.done;
}
