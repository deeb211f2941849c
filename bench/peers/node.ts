/** @file `npm run bench:peers` in Node: starts the contenders, compares, prints, writes, stops them. */
import { readOptions, UsageError } from '../options';
import { short, table } from '../table';
import { Contender } from './contenders';
import { compare, type Result, resultTable } from './main';

const ROUNDS = 5;
/** Kernels of our step that are listed. */
const SHOWN = 12;

export interface PeersHost {
  /** File to run by name of the contender; ours first. */
  readonly files: Readonly<Record<string, string>>;
  readonly adapter: string;
  readonly write: (text: string) => void;
  readonly save: (file: string | undefined, text: string) => void;
}

/** @returns whether all results agreed */
export async function main(args: readonly string[], host: PeersHost): Promise<boolean> {
  const options = readOptions(args, ROUNDS);
  const contenders: Contender[] = [];
  try {
    for (const [name, file] of Object.entries(host.files)) {
      contenders.push(await Contender.start(name, file));
    }
    host.write(`adapter: ${host.adapter}\n`);
    const results = await compare(contenders, options, (text) => host.write(`${text}\n`));
    if (results.length === 0)
      throw new UsageError(`--only ${options.only}: no case has such a name`);
    host.write(`\n${resultTable(results)}\n`);
    for (const result of results) if (result.split) host.write(splitTable(result));
    const report = { date: new Date().toISOString(), adapter: host.adapter, options, results };
    host.save(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
    return results.every(({ isEqual }) => isEqual);
  } finally {
    for (const contender of contenders) contender.stop();
  }
}

function splitTable({ name, split = [] }: Result): string {
  const total = split.reduce((sum, { ms }) => sum + ms, 0);
  const rows = split.slice(0, SHOWN);
  const text = table<(typeof rows)[number]>(
    [
      { title: 'kernel', cell: ({ kernel, kind }) => `${kernel}, ${kind}`, isText: true },
      { title: 'ms', cell: ({ ms }) => short(ms) },
      { title: '% of kernels', cell: ({ ms }) => short((100 * ms) / total) },
    ],
    rows,
  );
  return `\n${name}, our kernels by timestamps\n${text}\n`;
}
