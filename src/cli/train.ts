/** @file `lab train`: a whole run on the device of this machine. */
import type { Experiment, Plan, Watch } from '@/engine/index';
import {
  type Command,
  countOf,
  type ExitCode,
  exitCodes,
  type Input,
  textOf,
  UsageError,
} from './command';
import { Driver } from './driver';
import type { Host } from './host';
import { MetricsFile } from './metricsFile';
import { needleTable } from './needleTable';
import { byteSize, grouped, metricWords } from './numbers';
import { Progress } from './progress';
import { readExperiment } from './readExperiment';
import { setOption } from './setOption';

export const train: Command = {
  name: 'train',
  summary: 'Trains an experiment on this machine, the same run as the page makes of it.',
  options: {
    steps: { value: 'N', help: 'Stop after step N; without it the run goes on until Ctrl-C.' },
    ...setOption,
    metrics: { value: 'FILE', help: 'Write all that is measured to FILE, as JSON lines.' },
    needles: { help: 'Measure a needle grid at the end and print it as a table.' },
  },
  run,
};

/** MaxVio of every layer, which only a metrics file has room for. */
const LOADS: Watch = { load: true, domains: false, bias: false, attention: undefined };

async function run(input: Input, host: Host): Promise<ExitCode> {
  const experiment = readExperiment(input);
  const target = countOf(input, 'steps');
  const path = textOf(input, 'metrics');
  const file = path === undefined ? undefined : openMetrics(path);
  const progress = new Progress(host.stderr, target);
  await host.prepareAdapter();
  const { nodeGpu } = await import('@/engine/node');
  const driver = new Driver(nodeGpu(), host, (event, data) => {
    progress.told(event, data);
    file?.told(event, data);
  });
  try {
    await begin(driver, experiment, progress, file);
    if (file) await driver.trainer.watch(LOADS);
    await driver.trainTo(experiment, target ?? Number.POSITIVE_INFINITY);
    await driver.settle();
    if (input.options.has('needles') && !driver.isOver) await driver.measureNeedles();
  } finally {
    // Steps in flight are still told while it closes.
    await driver.trainer.close();
    progress.close();
    file?.end(driver.step, host.interrupted.aborted);
  }
  return conclude(driver, host, target, input.options.has('needles'));
}

function openMetrics(path: string): MetricsFile {
  try {
    return new MetricsFile(path);
  } catch (error) {
    throw new UsageError(`--metrics: ${path} cannot be written, ${(error as Error).message}`);
  }
}

/** Says what is run and where. @throws where this adapter cannot hold it */
async function begin(
  { trainer }: Driver,
  experiment: Experiment,
  progress: Progress,
  file: MetricsFile | undefined,
): Promise<void> {
  const adapter = await trainer.open();
  const plan = await trainer.plan(experiment);
  if (plan.refusal) throw new Error(refusalWords(experiment, plan.refusal));
  const { preset } = experiment;
  const sizes = `${grouped(plan.parameterCount)} parameters, ${byteSize(plan.bytes.total)}`;
  progress.note(`${preset} on ${adapter.name}: ${sizes}`);
  file?.start({ experiment, plan }, adapter);
}

const refusalWords = (
  { preset }: Experiment,
  { message, fits }: NonNullable<Plan['refusal']>,
): string => `${preset}: ${message}${fits ? ` The preset ${fits} fits.` : ''}`;

/** The last words, and what the process tells its caller. */
function conclude(
  driver: Driver,
  { stdout, stderr, interrupted }: Host,
  target: number | undefined,
  hasNeedles: boolean,
): ExitCode {
  const { step, values, grid, failure } = driver;
  if (failure) {
    stderr.write(`lab: ${failure.message}\n`);
    return exitCodes.failed;
  }
  const shown = (
    ['train.loss', 'train.crossEntropy', 'eval.bitsPerByte', 'router.maxVio'] as const
  ).flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [metricWords(name, value)];
  });
  stdout.write(`${[`step ${grouped(step)}`, ...shown].join(' · ')}\n`);
  if (hasNeedles && grid) stdout.write(needleTable(grid));
  const isCutShort = interrupted.aborted && target !== undefined && step < target;
  return isCutShort ? exitCodes.interrupted : exitCodes.done;
}
