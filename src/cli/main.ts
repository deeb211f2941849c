/** @file The command line: finds the command, and turns every error into one line and an exit code. */
import { CheckpointError, ConfigError } from '@/engine/index';
import { type Command, type ExitCode, exitCodes, parseInput, UsageError } from './command';
import { evaluate } from './evaluate';
import { exportCommand } from './export';
import { generate } from './generate';
import { commandHelp, generalHelp } from './help';
import type { Host } from './host';
import { link } from './link';
import { plan } from './plan';
import { replay } from './replay';
import { resume } from './resume';
import { train } from './train';

const commands: readonly Command[] = [
  train,
  resume,
  evaluate,
  generate,
  exportCommand,
  plan,
  link,
  replay,
];
const HELP = new Set(['--help', '-h']);

/** @param args what stands behind `lab` */
export async function main(args: readonly string[], host: Host): Promise<ExitCode> {
  try {
    return await dispatch(args, host);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    host.stderr.write(`lab: ${message.replace(/\s*\n\s*/g, ' ')}\n`);
    const isUsage = [UsageError, ConfigError, CheckpointError].some(
      (kind) => error instanceof kind,
    );
    return isUsage ? exitCodes.usage : exitCodes.failed;
  }
}

async function dispatch([name, ...rest]: readonly string[], host: Host): Promise<ExitCode> {
  if (name === undefined) {
    host.stderr.write(generalHelp(commands));
    return exitCodes.usage;
  }
  if (HELP.has(name) || name === 'help') {
    host.stdout.write(generalHelp(commands));
    return exitCodes.done;
  }
  const command = commands.find((known) => known.name === name);
  if (!command) {
    const names = commands.map((known) => known.name).join(', ');
    throw new UsageError(`${name}: no such command; the commands are ${names}`);
  }
  if (rest.some((arg) => HELP.has(arg))) {
    host.stdout.write(commandHelp(command));
    return exitCodes.done;
  }
  return command.run(parseInput(command, rest), host);
}
