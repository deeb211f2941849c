/**
 * @file A run on the device: its programs, and one optimizer step at a time. Knows nothing of data, views or
 * schedules of probes; `Trainer` does.
 */
import { isEverSplit } from '@/engine/config/growth';
import type { Settings } from '@/engine/config/settings';
import { type Batch, IGNORED } from '@/engine/data/batch';
import type { OpenDevice } from '@/engine/gpu/device';
import { Trace } from '@/engine/gpu/profiler';
import { Program, type RunOptions } from '@/engine/gpu/program';
import { Readback, type Shipment } from '@/engine/gpu/readback';
import type { Tensor } from '@/engine/gpu/tensor';
import { tokenOrder } from '@/engine/ops/embedding';
import { kernelUses } from './kernelKinds';
import type { KernelProfile } from './kernelWatch';
import { setLiveValues } from './liveValues';
import { recordCopies, recordStart, type StepHalves, sections } from './recordStep';
import type { RunState } from './state';
import {
  type Arrived,
  numbersOf,
  type StepNumbers,
  type StepWishes,
  stepReadbackBytes,
  wishedTensors,
} from './stepNumbers';

/** All that makes a step, but the weights that it stands on. */
export interface StepInputs {
  /** 0-based. */
  readonly step: number;
  /** Its micro-batches, at least one. */
  readonly batches: readonly Batch[];
  readonly settings: Settings;
}

/** Steps whose numbers may be on their way at once, and the slots for them. */
export const STEPS_IN_FLIGHT = 3;
export const readbackSlots = STEPS_IN_FLIGHT + 1;

export class Stepper {
  /** Queue submits of the last step. */
  lastSubmits = 0;
  /** CPU time of encoding and submitting the last step that nobody split by kernel, ms. */
  lastEncodeMs: number | undefined;
  readonly readback: Readback;

  /** @param programs of `recordStep`. */
  constructor(
    readonly open: OpenDevice,
    readonly state: RunState,
    readonly programs: StepHalves<Program>,
  ) {
    this.readback = new Readback(open.device, stepReadbackBytes(state), readbackSlots);
  }

  /** Rough work of a step of one micro-batch, in multiply-adds. */
  get cost(): number {
    return this.programs.microBatch.cost + this.programs.update.cost;
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

  /** After the weights were written from outside: what products read in 16 bits is made anew. */
  async refreshCopies(): Promise<void> {
    const tape = recordCopies(this.state);
    if (tape.dispatches.length === 0) return;
    const program = await Program.build(this.open.device, tape, this.state.live);
    program.run();
    program.destroy();
  }

  #clear(encoder: GPUCommandEncoder): void {
    const { weights, router, clip, routing } = this.state;
    for (const arena of weights.arenas) arena.clear(encoder);
    for (const tensor of [...Object.values(router), clip, routing.counts_LE]) {
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
   * Submits a step and returns at once; the promise brings its numbers. One micro-batch and the update go in one
   * submit; each further micro-batch needs another, since its tokens take the place of those before.
   * @param pieces number of submits for the whole step: 1 unless the adapter is slow.
   */
  step(inputs: StepInputs, wishes: StepWishes, pieces: number): Promise<StepNumbers> {
    const { batches } = inputs;
    const submission = this.#submission(inputs, wishes);
    const trace = wishes.kernels ? new Trace(this.open.device) : undefined;
    let encodeMs = 0;
    this.lastSubmits = 0;
    batches.forEach((_, index) => {
      const isLast = index === batches.length - 1;
      this.bring(inputs, index);
      const options = submission.options(index);
      const share = Math.ceil(pieces / batches.length);
      const start = performance.now();
      this.lastSubmits += Program.runTogether(this.#due(isLast), {
        ...options,
        pieces: share,
        tracer: trace,
      });
      encodeMs += performance.now() - start;
    });
    if (!trace) this.lastEncodeMs = encodeMs;
    return submission.arrive(trace && this.#profile(trace));
  }

  /**
   * Submits a step also while kernels still compile: one of a single micro-batch part by part, as soon as each can run.
   * Resolves when all is submitted; nothing else may be, until then.
   * @throws {ShaderError}
   */
  async submit(
    inputs: StepInputs,
    wishes: StepWishes,
    pieces: number,
  ): Promise<{ readonly numbers: Promise<StepNumbers> }> {
    const programs = this.#due(true);
    if (inputs.batches.length > 1) await Promise.all(programs.map((program) => program.compiled()));
    if (programs.every(({ isCompiled }) => isCompiled))
      return { numbers: this.step(inputs, wishes, pieces) };
    const submission = this.#submission(inputs, wishes);
    this.bring(inputs, 0);
    const options = { ...submission.options(0), pieces };
    this.lastSubmits = await Program.runAsCompiled(programs, options);
    return { numbers: submission.arrive(undefined) };
  }

  #due(isLast: boolean): readonly [Program, ...Program[]] {
    const { microBatch, update } = this.programs;
    return isLast ? [microBatch, update] : [microBatch];
  }

  /** Sets the live scalars of a step; how its micro-batches are submitted, and what its numbers are in the end. */
  #submission(inputs: StepInputs, wishes: StepWishes) {
    const { state, readback } = this;
    const { batches, settings } = inputs;
    if (batches.length > 1 && !isEverSplit(state.settings.schedule))
      throw new RangeError(`a step of ${batches.length} batches, in a run whose steps have one`);
    this.setLive(inputs);
    if (wishes.attention) {
      state.blocks.attentionMap.set(wishes.attention);
      state.live.flush(this.open.device.queue);
    }
    const tensors = wishedTensors(state, wishes);
    let shipment: Shipment | undefined;
    const options = (index: number): RunOptions => {
      const isLast = index === batches.length - 1;
      return {
        sections: wishedSections(wishes, isLast),
        before: (encoder) => index === 0 && state.clearStep(encoder),
        after: (encoder) => {
          if (isLast) shipment = readback.ship(encoder, Object.values(tensors));
        },
      };
    };
    const arrive = async (profile: Promise<KernelProfile> | undefined): Promise<StepNumbers> => {
      const [arrays, kernels] = await Promise.all([shipment!.arrive(), profile]);
      const named = Object.keys(tensors).map((name, i) => [name, arrays[i]] as const);
      const arrived = Object.fromEntries(named) as unknown as Arrived;
      const numbers = numbersOf(arrived, settings, batches.length);
      return kernels ? { ...numbers, kernels } : numbers;
    };
    return { options, arrive };
  }

  /** What a step's trace says, when it is here. */
  async #profile(trace: Trace): Promise<KernelProfile> {
    const [submits, encodeMs] = [this.lastSubmits, this.lastEncodeMs];
    const updates = new Set(this.programs.update.actions);
    const uses = kernelUses(await trace.arrive(), ({ action }) => updates.has(action));
    return { uses, submits, encodeMs };
  }

  /** Sends the live scalars of a step, but for those of a single micro-batch. */
  setLive({ batches, step, settings }: StepInputs): void {
    const valid = batches.reduce((sum, { targets }) => sum + validTargets(targets), 0);
    setLiveValues(this.state, settings, step, valid, batches.length);
    this.state.live.flush(this.open.device.queue);
  }

  /** Brings a micro-batch to the device, and what its tokens without room draw their places from. */
  bring({ step, batches, settings }: StepInputs, microBatch: number): void {
    this.write(batches[microBatch]!);
    if (settings.model.overflow === 'keep') return;
    const { blocks, live } = this.state;
    blocks.recycle.set({ seed: settings.run.seed, step, microBatch });
    live.flush(this.open.device.queue);
  }

  /** Brings the tokens of a micro-batch to the device. */
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
    this.programs.microBatch.destroy();
    this.programs.update.destroy();
    this.readback.destroy();
  }
}

const validTargets = (targets: Uint32Array): number =>
  targets.reduce((sum, target) => sum + Number(target !== IGNORED), 0);

/** Domains add up over the micro-batches; attention is that of the last one. */
function wishedSections({ domains, attention }: StepWishes, isLast: boolean): Set<string> {
  const wanted = new Set<string>();
  if (domains) wanted.add(sections.domains);
  if (attention && isLast) wanted.add(sections.attention(attention.layer));
  return wanted;
}
