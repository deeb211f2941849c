/** @file `lab generate`: a checkpoint continues a text. */
import { autotuneOption } from './autotune';
import { CheckpointFolder } from './checkpointFolder';
import {
  type Command,
  countOf,
  type ExitCode,
  exitCodes,
  type Input,
  numberOf,
  requiredTextOf,
} from './command';
import type { Host } from './host';
import { grouped } from './numbers';
import { withCheckpoint } from './withCheckpoint';

const DEFAULT_LENGTH = 256;
const DEFAULT_TEMPERATURE = 0.8;
const MOST_TEMPERATURE = 5;

export const generate: Command = {
  name: 'generate',
  summary: 'Continues a text with the weights of a checkpoint.',
  subject: 'folder',
  options: {
    prompt: {
      value: 'TEXT',
      help: 'What is continued, its end where it is over half the context; must be given.',
    },
    length: {
      value: 'N',
      help: `Bytes to generate, as far as the context goes; ${DEFAULT_LENGTH} without it.`,
    },
    temperature: {
      value: 'T',
      help: `0 always takes the likeliest byte, higher is freer; ${DEFAULT_TEMPERATURE} without it.`,
    },
    seed: { value: 'N', help: 'Another seed draws another text; 0 without it.' },
    ...autotuneOption,
  },
  run,
};

async function run(input: Input, host: Host): Promise<ExitCode> {
  const request = {
    prompt: requiredTextOf(input, 'prompt'),
    length: countOf(input, 'length') ?? DEFAULT_LENGTH,
    temperature: numberOf(input, 'temperature', 0, MOST_TEMPERATURE) ?? DEFAULT_TEMPERATURE,
    seed: countOf(input, 'seed', 0) ?? 0,
  };
  const files = new CheckpointFolder(input.subject).read();
  return withCheckpoint(files, { input, host }, async ({ trainer }) => {
    const { prompt, text, length } = await trainer.generate(request);
    host.stdout.write(`${prompt}${text}\n`);
    if (length < request.length) host.stderr.write(ends(length, request.length));
    return exitCodes.done;
  });
}

const ends = (length: number, asked: number): string =>
  `lab: ends after ${grouped(length)} of ${grouped(asked)} bytes: prompt and text fill the context of the checkpoint\n`;
