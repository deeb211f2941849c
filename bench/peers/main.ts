/**
 * @file Our engine beside its peers: the same training step and the same products, on one adapter, in turns.
 * Fails where the losses or the products differ, so that nobody wins by computing less.
 */
import { isWanted, type Options } from '../options';
import { forms, productFlops, productShapes } from '../products';
import { largestGap, median, pairedRatio, type Summary, summary } from '../statistics';
import type { TimedUse } from '../stepRun';
import { short, table } from '../table';
import type { Contender, Steps } from './contenders';
import type { Product, Shape } from './problem.mjs';

const base: Shape = { V: 256, D: 128, L: 4, H: 4, F: 344, S: 128, B: 4 };
/** 8/3 of the width, in whole eights. */
const hidden = (D: number): number => 8 * Math.ceil(D / 3);
const atWidth = (D: number): Shape => ({ ...base, D, F: hidden(D) });

/** Steps by name: the default shape, a wider and longer one, and widths from 64 to 512. */
export const stepShapes: Readonly<Record<string, Shape>> = {
  'step default': base,
  'step D=256 S=256': { ...atWidth(256), S: 256 },
  'step D=64': atWidth(64),
  'step D=192': atWidth(192),
  'step D=256': atWidth(256),
  'step D=512': atWidth(512),
};

/** Most by which losses at one step may differ, nats. */
const LOSS_GAP = 1e-3;
/** Most by which elements of a product may differ, over the largest of them. */
const PRODUCT_GAP = 1e-4;
/** Steps that compile and warm caches, not timed but compared. */
const WARM_STEPS = 2;
/** A turn should last about so long, ms. */
const TURN_MS = { quick: 100, full: 1500 };
const MOST_STEPS = 20;
const MOST_PRODUCTS = 500;

export interface Result {
  readonly name: string;
  readonly kind: 'step' | 'product';
  readonly shape: Shape | Product;
  /** ms by contender. */
  readonly times: Readonly<Record<string, Summary>>;
  /** How many times as fast as each peer we are. */
  readonly ratios: Readonly<Record<string, Summary>>;
  /** Largest difference of losses or elements. */
  readonly gap: number;
  readonly isEqual: boolean;
  readonly split?: readonly TimedUse[];
}

export type Say = (text: string) => void;

/** @param contenders ours first */
export async function compare(
  contenders: readonly Contender[],
  options: Options,
  say: Say,
): Promise<Result[]> {
  const results: Result[] = [];
  const add = (result: Result) => {
    results.push(result);
    say(line(result));
  };
  for (const [name, shape] of Object.entries(stepShapes)) {
    if (isWanted(name, options)) add(await compareSteps(contenders, name, shape, options));
  }
  for (const [shapeName, shape] of Object.entries(productShapes)) {
    for (const form of forms) {
      const name = `matmul ${form} ${shapeName}`;
      if (isWanted(name, options)) {
        add(await compareProducts(contenders, name, { form, ...shape }, options));
      }
    }
  }
  return results;
}

async function compareSteps(
  contenders: readonly Contender[],
  name: string,
  shape: Shape,
  options: Options,
): Promise<Result> {
  const losses = new Map<string, number[]>();
  let slowest = 0;
  for (const contender of contenders) {
    await contender.prepare(shape);
    const warm = await contender.steps(WARM_STEPS);
    losses.set(contender.name, [...warm.losses]);
    slowest = Math.max(slowest, warm.times.at(-1)!);
  }
  const turn = options.isQuick ? TURN_MS.quick : TURN_MS.full;
  const count = Math.max(1, Math.min(MOST_STEPS, Math.floor(turn / slowest)));
  const times = await inTurns(contenders, options.repeats, async (contender) => {
    const steps: Steps = await contender.steps(count);
    losses.get(contender.name)!.push(...steps.losses);
    return median(steps.times);
  });
  const split = await contenders[0]!.split();
  const gap = largestGap([...losses.values()]);
  const isEqual = gap <= LOSS_GAP;
  return { ...judged(name, 'step', shape, times), gap, isEqual, ...(split ? { split } : {}) };
}

async function compareProducts(
  contenders: readonly Contender[],
  name: string,
  product: Product,
  options: Options,
): Promise<Result> {
  const samples: number[][] = [];
  let slowest = 0;
  for (const contender of contenders) {
    const { time, sample } = await contender.product(product, 1);
    samples.push(sample);
    slowest = Math.max(slowest, time);
  }
  const turn = options.isQuick ? TURN_MS.quick : TURN_MS.full;
  const repeats = Math.max(1, Math.min(MOST_PRODUCTS, Math.floor(turn / slowest / 2)));
  const times = await inTurns(
    contenders,
    options.repeats,
    async (contender) => (await contender.product(product, repeats)).time,
  );
  const largest = Math.max(...samples.flat().map(Math.abs));
  const gap = largestGap(samples) / largest;
  return { ...judged(name, 'product', product, times), gap, isEqual: gap <= PRODUCT_GAP };
}

/** One time of each contender in each round; who begins moves on from round to round. */
async function inTurns(
  contenders: readonly Contender[],
  rounds: number,
  measure: (contender: Contender) => Promise<number>,
): Promise<Map<string, number[]>> {
  const times = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + round) % contenders.length]!;
      times.get(contender.name)!.push(await measure(contender));
    }
  }
  return times;
}

function judged(
  name: string,
  kind: Result['kind'],
  shape: Shape | Product,
  times: ReadonlyMap<string, number[]>,
): Pick<Result, 'name' | 'kind' | 'shape' | 'times' | 'ratios'> {
  const [[, ours] = ['', []], ...peers] = times;
  return {
    name,
    kind,
    shape,
    times: Object.fromEntries([...times].map(([who, values]) => [who, summary(values)])),
    ratios: Object.fromEntries(peers.map(([who, theirs]) => [who, pairedRatio(theirs, ours)])),
  };
}

/** How many times as fast as the fastest peer. */
export const leastRatio = ({ ratios }: Pick<Result, 'ratios'>): number =>
  Math.min(...Object.values(ratios).map(({ median }) => median));

function line(result: Result): string {
  const ratios = Object.entries(result.ratios).map(([who, r]) => `${short(r.median)}x ${who}`);
  const trouble = result.isEqual ? '' : `  DIFFERENT RESULTS: ${result.gap}`;
  return `${result.name}: ${ratios.join(', ')}${trouble}`;
}

/** All results as a table; times in ms, ratios with their quartiles. */
export function resultTable(results: readonly Result[]): string {
  const names = Object.keys(results[0]?.times ?? {});
  const peers = Object.keys(results[0]?.ratios ?? {});
  return table<Result>(
    [
      { title: 'case', cell: ({ name }) => name, isText: true },
      ...names.map((who) => ({
        title: `${who} ms`,
        cell: ({ times }: Result) => short(times[who]!.median),
      })),
      ...peers.map((who) => ({
        title: `x ${who}`,
        cell: ({ ratios }: Result) => {
          const { median, low, high } = ratios[who]!;
          return `${short(median)} (${short(low)}-${short(high)})`;
        },
      })),
      {
        title: 'GFLOP/s',
        cell: ({ kind, shape, times }) =>
          kind === 'product'
            ? short(productFlops(shape as Product) / times[names[0]!]!.median / 1e6)
            : '',
      },
      { title: 'difference', cell: ({ gap }) => gap.toExponential(1) },
    ],
    results,
  );
}
