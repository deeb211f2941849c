/** @file The bench: measures the peaks, then every case that is wanted, and tells of each as it is done. */
import { type AdapterInfo, type OpenDevice, openDevice } from '@/engine/gpu/device';
import { leastMs } from '@/engine/math/roofline';
import type { Peaks } from '@/engine/train/commands';
import { peaksOf } from '@/engine/train/peaks';
import type { BenchCase } from './benchCase';
import { benchCases } from './cases/index';
import { type StepCase, stepCases } from './cases/steps';
import { type EncodingResult, encodingOf, encodingPresets } from './encoding';
import { type MemoryResult, memoryOf, memoryPresets } from './memory';
import { isWanted, type Options, UsageError } from './options';
import type { ProcessorClock } from './stepRun';
import { inTurns, StepMeasurement, type StepResult } from './stepTiming';
import { type Timing, timing } from './timing';
import { Workbench } from './workbench';

/** What was measured of one case; rates by the median time. */
export interface CaseResult extends Timing {
  readonly name: string;
  readonly shape: BenchCase['shape'];
  /** Operations and bytes a second. */
  readonly flops: number;
  readonly bytes: number;
  /** Of the peak that binds it: the larger of the two shares. */
  readonly share: number;
}

export interface Report {
  readonly date: string;
  readonly adapter: AdapterInfo;
  readonly options: Options;
  readonly peaks: Peaks;
  readonly cases: readonly CaseResult[];
  readonly steps: readonly StepResult[];
  readonly encoding: readonly EncodingResult[];
  readonly memory: readonly MemoryResult[];
}

/** Where the device has no room to measure them: every share is then a dash. */
const UNKNOWN: Peaks = { flops: Number.NaN, bytes: Number.NaN };

/** Told the name of a case before it is measured. */
export type Announce = (name: string) => void;

/** @throws {UsageError} where no case has the wanted name */
export async function runBench(
  gpu: GPU,
  options: Options,
  announce: Announce,
  clock?: ProcessorClock,
): Promise<Report> {
  const wanted = <T extends { readonly name: string }>(all: readonly T[]) =>
    all.filter(({ name }) => isWanted(name, options));
  const [cases, steps] = [wanted(benchCases), wanted(stepCases)];
  const presets = memoryPresets.filter((preset) => isWanted(`memory ${preset}`, options));
  const encoded = encodingPresets.filter((preset) => isWanted(`encode ${preset}`, options));
  if (cases.length + steps.length + presets.length + encoded.length === 0) {
    throw new UsageError(`--only ${options.only}: no case has such a name`);
  }
  const open = await openDevice(gpu);
  try {
    const sequence = async <T, R>(items: readonly T[], measure: (item: T) => Promise<R>) => {
      const results: R[] = [];
      for (const item of items) results.push(await measure(item));
      return results;
    };
    announce('peaks');
    const peaks = (await peaksOf(open)) ?? UNKNOWN;
    return {
      date: new Date().toISOString(),
      adapter: open.info,
      options,
      peaks,
      cases: await sequence(cases, async (one) => {
        announce(one.name);
        return measured(open, one, peaks, options);
      }),
      steps: (
        await sequence(grouped(steps), (group) =>
          measuredSteps(open, group, options, announce, clock),
        )
      ).flat(),
      encoding: await sequence(encoded, async (preset) => {
        announce(`encode ${preset}`);
        return encodingOf(open, preset, options.repeats);
      }),
      memory: await sequence(presets, async (preset) => {
        announce(`memory ${preset}`);
        return memoryOf(open, preset);
      }),
    };
  } finally {
    open.close();
  }
}

/** Cases of one group together, in the order of their first. */
function grouped(steps: readonly StepCase[]): StepCase[][] {
  const groups = new Map<string, StepCase[]>();
  for (const step of steps) {
    const key = step.group ?? step.name;
    groups.set(key, [...(groups.get(key) ?? []), step]);
  }
  return [...groups.values()];
}

async function measuredSteps(
  open: OpenDevice,
  group: readonly StepCase[],
  { repeats, isQuick }: Options,
  announce: Announce,
  clock: ProcessorClock | undefined,
): Promise<StepResult[]> {
  const measurements: StepMeasurement[] = [];
  try {
    for (const one of group) {
      announce(one.name);
      measurements.push(await StepMeasurement.start(open, one, isQuick, clock));
    }
    await inTurns(measurements, repeats);
    const results: StepResult[] = [];
    for (const measurement of measurements) results.push(await measurement.result());
    return results;
  } finally {
    for (const measurement of measurements) measurement.destroy();
  }
}

async function measured(
  open: OpenDevice,
  one: BenchCase,
  peaks: Peaks,
  { repeats, isQuick }: Options,
): Promise<CaseResult> {
  const bench = new Workbench(open);
  try {
    one.record(bench);
    const time = await timing(await bench.ready(), repeats, isQuick);
    const seconds = time.ms.median / 1000;
    const flops = one.flops / seconds;
    const bytes = one.bytes / seconds;
    const share = leastMs(one, peaks) / time.ms.median;
    return { name: one.name, shape: one.shape, ...time, flops, bytes, share };
  } finally {
    bench.destroy();
  }
}
