/**
 * @file A run on the device: its programs, and one optimizer step at a time. Knows nothing of data, views or
 * schedules of probes; `Trainer` does.
 */
import { mixtureLayers } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import { type Batch, IGNORED } from '@/engine/data/batch';
import type { OpenDevice } from '@/engine/gpu/device';
import { Program } from '@/engine/gpu/program';
import { Readback } from '@/engine/gpu/readback';
import type { Tensor } from '@/engine/gpu/tensor';
import { tokenOrder } from '@/engine/ops/embedding';
import { setLiveValues } from './liveValues';
import { recordStart, sections } from './recordStep';
import type { RunState } from './state';

/** What a step reads back besides the scalars. */
export interface StepWishes {
  readonly bias?: boolean;
  readonly domains?: boolean;
  readonly attention?: { readonly layer: number; readonly head: number; readonly sequence: number };
}

/** The numbers of one step, as the device left them. Expert arrays are [mixture layers, experts]. */
export interface StepNumbers {
  /** Mean over valid targets, nats. */
  readonly crossEntropy: number;
  /** Mean squared log-sum-exp, without its weight. */
  readonly squaredLse: number;
  /** Balance loss summed over layers and averaged over sequences, without its weight. */
  readonly sequenceBalance: number;
  readonly gradientNorm: number;
  readonly clipScale: number;
  /** A gradient was not finite: nothing was updated, now and in every later step. */
  readonly isHalted: boolean;
  readonly counts: Uint32Array;
  readonly bias?: {
    readonly bias: Float32Array;
    readonly momentum: Float32Array;
    readonly update: Float32Array;
  };
  /** u32 [mixture layers, domains, experts] */
  readonly domains?: Uint32Array;
  /** [side, side] */
  readonly attention?: Float32Array;
}

/** Steps whose numbers may be on their way at once, and the slots for them. */
export const STEPS_IN_FLIGHT = 3;
export const readbackSlots = STEPS_IN_FLIGHT + 1;

export class Stepper {
  /** Queue submits of the last step. */
  lastSubmits = 0;
  readonly readback: Readback;

  /** @param program of `recordStep`, made ready. */
  constructor(
    readonly open: OpenDevice,
    readonly state: RunState,
    readonly program: Program,
  ) {
    this.readback = new Readback(open.device, stepReadbackBytes(state), readbackSlots);
  }

  /** Draws the initial weights of `seed` and clears everything that a run remembers. */
  async start(seed: number): Promise<void> {
    const { device } = this.open;
    const { state } = this;
    const tape = recordStart(state);
    state.blocks.seed.set({ seedLow: seed, seedHigh: 0 });
    state.live.flush(device.queue);
    const program = await Program.build(device, tape, state.live);
    program.run({ before: (encoder) => this.#clear(encoder) });
    for (const { spec, weight } of state.weights.entries()) {
      if (spec.start === undefined) continue;
      const gains = new Float32Array(weight.length).fill(spec.start);
      device.queue.writeBuffer(weight.buffer, weight.offset, gains);
    }
    program.destroy();
  }

  #clear(encoder: GPUCommandEncoder): void {
    const { weights, router, clip, counts_LE } = this.state;
    for (const arena of weights.arenas) arena.clear(encoder);
    for (const tensor of [...Object.values(router), clip, counts_LE]) {
      encoder.clearBuffer(tensor.buffer, tensor.offset, tensor.bytes);
    }
  }

  /** Lets a stopped run update again. */
  clearHalt(): void {
    const { buffer, offset, length } = this.state.clip;
    this.open.device.queue.writeBuffer(buffer, offset, new Float32Array(length));
  }

  /** Forgets the momentum of the biases: SMEBU starts anew when it is switched on. */
  clearBiasMomentum(): void {
    const { buffer, offset, length } = this.state.router.momentum_LE;
    this.open.device.queue.writeBuffer(buffer, offset, new Float32Array(length));
  }

  /**
   * Submits the 0-based `step` and returns at once; the promise brings its numbers.
   * @param pieces number of submits: 1 unless the adapter is slow.
   */
  step(
    batch: Batch,
    step: number,
    settings: Settings,
    wishes: StepWishes,
    pieces: number,
  ): Promise<StepNumbers> {
    const { device } = this.open;
    const { state } = this;
    this.write(batch);
    const valid = batch.targets.reduce((sum, target) => sum + Number(target !== IGNORED), 0);
    setLiveValues(state, settings, step, valid);
    const wanted = new Set<string>();
    if (wishes.domains) wanted.add(sections.domains);
    if (wishes.attention) {
      wanted.add(sections.attention(wishes.attention.layer));
      state.blocks.attentionMap.set(wishes.attention);
    }
    state.live.flush(device.queue);
    const tensors = wishedTensors(state, wishes);
    let shipment: ReturnType<Readback['ship']> | undefined;
    this.lastSubmits = this.program.run({
      sections: wanted,
      pieces,
      before: (encoder) => state.weights.gradients.clear(encoder),
      after: (encoder) => {
        shipment = this.readback.ship(encoder, tensors);
      },
    });
    return shipment!.arrive().then((arrays) => numbersOf(arrays, state, wishes));
  }

  /** Brings a batch to the device. */
  write({ tokens, targets, documents, domains }: Batch): void {
    const { queue } = this.open.device;
    const { tokens_T, targets_T, documents_T, domains_T } = this.state.batch;
    const { order_T, starts: starts_V } = this.state.tokenOrder;
    const { order, starts } = tokenOrder(tokens, this.state.settings.model.vocabSize);
    const pairs: readonly (readonly [Tensor, Uint32Array])[] = [
      [order_T, order],
      [starts_V, starts],
      [tokens_T, tokens],
      [targets_T, targets],
      [documents_T, documents],
      [domains_T, domains],
    ];
    for (const [tensor, values] of pairs) {
      queue.writeBuffer(tensor.buffer, tensor.offset, values as Uint32Array<ArrayBuffer>);
    }
  }

  destroy(): void {
    this.readback.destroy();
  }
}

/** Bytes of one shipment with everything wished for. */
export function stepReadbackBytes(state: RunState): number {
  const attention = { layer: 0, head: 0, sequence: 0 };
  const everything = wishedTensors(state, { bias: true, domains: true, attention });
  return everything.reduce((sum, tensor) => sum + tensor.bytes, 0);
}

function wishedTensors(state: RunState, { bias, domains, attention }: StepWishes): Tensor[] {
  const { losses, clip, balanceLoss_LB, counts_LE, router, domainCounts, attentionMap } = state;
  return [
    losses,
    clip,
    balanceLoss_LB,
    counts_LE,
    ...(bias ? [router.bias_LE, router.momentum_LE, router.update_LE] : []),
    ...(domains ? [domainCounts] : []),
    ...(attention ? [attentionMap] : []),
  ];
}

function numbersOf(
  arrays: readonly (Float32Array | Uint32Array)[],
  { settings }: RunState,
  wishes: StepWishes,
): StepNumbers {
  const [losses, clip, balance, counts, ...rest] = arrays as [
    Float32Array,
    Float32Array,
    Float32Array,
    Uint32Array,
    ...(Float32Array | Uint32Array)[],
  ];
  const hasMixtures = mixtureLayers(settings.model).length > 0;
  const next = () => rest.shift()!;
  const bias = wishes.bias
    ? {
        bias: next() as Float32Array,
        momentum: next() as Float32Array,
        update: next() as Float32Array,
      }
    : undefined;
  const domains = wishes.domains ? (next() as Uint32Array) : undefined;
  const attention = wishes.attention ? (next() as Float32Array) : undefined;
  const total = balance.reduce((sum, value) => sum + value, 0) / settings.data.batchSequences;
  return {
    crossEntropy: losses[0]!,
    squaredLse: losses[1]!,
    sequenceBalance: hasMixtures ? total : 0,
    gradientNorm: clip[0]!,
    clipScale: clip[1]!,
    isHalted: clip[2] !== 0,
    counts,
    ...(bias ? { bias } : {}),
    ...(domains ? { domains } : {}),
    ...(attention ? { attention } : {}),
  };
}
