/** @file `lab eval`: what a checkpoint makes of text that it was not trained on. */
import type { MetricName, MetricValues } from '@/engine/index';
import { autotuneOption } from './autotune';
import { CheckpointFolder } from './checkpointFolder';
import { type Command, type ExitCode, exitCodes, type Input } from './command';
import type { Driver } from './driver';
import type { Host } from './host';
import { needleTable } from './needleTable';
import { grouped, metricWords } from './numbers';
import { withCheckpoint } from './withCheckpoint';

export const evaluate: Command = {
  name: 'eval',
  summary: 'Measures a checkpoint on held-out text: cross-entropy, bits per byte, balance.',
  subject: 'folder',
  options: {
    needles: { help: 'Measure a needle grid too and print it as a table.' },
    json: { help: 'Write one JSON object instead of lines, under the names of the metrics table.' },
    ...autotuneOption,
  },
  run,
};

const SHOWN: readonly MetricName[] = [
  'eval.crossEntropy',
  'eval.bitsPerByte',
  'router.globalMaxVio',
  'router.batchMaxVio',
];

async function run(input: Input, host: Host): Promise<ExitCode> {
  const { subject, options } = input;
  const files = new CheckpointFolder(subject).read();
  return withCheckpoint(files, { input, host }, async (driver) => {
    const values = await driver.trainer.evaluate();
    if (options.has('needles')) await driver.measureNeedles();
    if (driver.isOver) return failed(driver, host);
    host.stdout.write(options.has('json') ? asJson(driver, values) : asLines(driver, values));
    return exitCodes.done;
  });
}

function failed({ failure }: Driver, { stderr }: Host): ExitCode {
  if (!failure) return exitCodes.interrupted;
  stderr.write(`lab: ${failure.message}\n`);
  return exitCodes.failed;
}

function asLines({ step, grid }: Driver, values: MetricValues): string {
  const lines = SHOWN.flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [`${metricWords(name, value)}\n`];
  });
  return [`step ${grouped(step)}\n`, ...lines, ...(grid ? [needleTable(grid)] : [])].join('');
}

function asJson({ step, grid }: Driver, values: MetricValues): string {
  const needles = grid && {
    ...grid,
    accuracy: [...grid.accuracy],
    logProbability: [...grid.logProbability],
  };
  return `${JSON.stringify({ step, ...values, ...(needles ? { needles } : {}) })}\n`;
}
