/** @file `npm run bench` in Node, on Dawn. */
import { nodeGpu } from '@/engine/node';
import { readOptions } from './options';
import { reportText } from './reportText';
import { runBench } from './run';

export interface BenchHost {
  /** Results. */
  readonly write: (text: string) => void;
  /** What is being measured. */
  readonly announce: (name: string) => void;
  readonly save: (file: string | undefined, text: string) => void;
  /** Processor time of this process, ms. */
  readonly processorMs: () => number;
}

const REPEATS = 7;

/** @throws {UsageError} on arguments that cannot be understood */
export async function main(args: readonly string[], host: BenchHost): Promise<void> {
  const options = readOptions(args, REPEATS);
  const report = await runBench(nodeGpu(), options, host.announce, host.processorMs);
  host.write(reportText(report));
  host.save(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
}
