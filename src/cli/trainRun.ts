/** @file What `train` and `resume` share: a run from where it stands to its end, with its files. */
import type { AdapterReport, RunInfo, Watch } from '@/engine/index';
import { autotuneOption, tuningsOf } from './autotune';
import type { CheckpointFolder } from './checkpointFolder';
import {
  countOf,
  type ExitCode,
  exitCodes,
  type Input,
  type Option,
  textOf,
  UsageError,
} from './command';
import { Driver } from './driver';
import type { Host } from './host';
import { MetricsFile } from './metricsFile';
import { needleTable } from './needleTable';
import { byteSize, grouped, metricWords } from './numbers';
import { Progress } from './progress';

/** MaxVio of every layer, which only a metrics file has room for. */
const LOADS: Watch = {
  load: true,
  domains: false,
  bias: false,
  attention: undefined,
  kernels: false,
};

export const trainOptions: Readonly<Record<'every' | 'needles' | 'no-autotune', Option>> = {
  every: { value: 'N', help: 'Save the checkpoint at every N-th step too, not only at the end.' },
  needles: { help: 'Measure a needle grid at the end and print it as a table.' },
  ...autotuneOption,
};

/** One call of `train` or `resume`. */
export interface TrainOrder {
  readonly input: Input;
  readonly isContinued: boolean;
  /** Where checkpoints go, if anywhere. */
  readonly folder: CheckpointFolder | undefined;
  /** Prepares the run; the adapter is open. */
  begin(driver: Driver): Promise<RunInfo>;
}

export async function trainRun(order: TrainOrder, host: Host): Promise<ExitCode> {
  const { input, folder } = order;
  const target = countOf(input, 'steps');
  const every = countOf(input, 'every');
  if (every !== undefined && !folder) {
    throw new UsageError('--every: there is no folder to save to; name one with --checkpoint');
  }
  const file = openMetrics(textOf(input, 'metrics'), order.isContinued);
  const progress = new Progress(host.stderr, target);
  await host.prepareAdapter();
  const { nodeGpu } = await import('@/engine/node');
  const driver = new Driver(nodeGpu(), host, tuningsOf(input, host), (event, data) => {
    progress.told(event, data);
    file?.told(event, data);
  });
  try {
    const adapter = await driver.trainer.open();
    const info = await order.begin(driver);
    progress.note(beginning(info, adapter));
    file?.start(info, adapter);
    if (file) await driver.trainer.watch(LOADS);
    await trainInStretches(driver, target ?? Number.POSITIVE_INFINITY, every, folder);
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

function openMetrics(path: string | undefined, isContinued: boolean): MetricsFile | undefined {
  if (path === undefined) return undefined;
  try {
    return new MetricsFile(path, isContinued);
  } catch (error) {
    throw new UsageError(`--metrics: ${path} cannot be written, ${(error as Error).message}`);
  }
}

/** What is run, where, and from which step on. */
function beginning({ experiment, plan, startStep, isImported }: RunInfo, { name }: AdapterReport) {
  const sizes = `${grouped(plan.parameterCount)} parameters, ${byteSize(plan.bytes.total)}`;
  const from = startStep > 0 ? `, from step ${grouped(startStep)}` : '';
  const origin = isImported ? ', weights of a checkpoint without a run' : '';
  return `${experiment.preset} on ${name}: ${sizes}${from}${origin}`;
}

/** Trains to `target`, with a checkpoint at every `every`-th step, at the end and at an interruption. */
async function trainInStretches(
  driver: Driver,
  target: number,
  every: number | undefined,
  folder: CheckpointFolder | undefined,
): Promise<void> {
  while (!driver.isOver && driver.step < target) {
    const next = every ? every * (Math.floor(driver.step / every) + 1) : target;
    await driver.trainTo(Math.min(next, target));
    // What a step spoiled is not saved: the checkpoint before it stands.
    if (folder && !driver.failure) folder.write(await driver.save());
  }
}

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
