/**
 * @file Replays given batches on given weights with the programs that training uses, and brings back every number on
 * the way: what another implementation of the same step is compared with. Folder and names: tests/goldens/README.md.
 */
import { mixtureLayers } from '@/engine/config/layers';
import { checkpointTensors } from '@/engine/files/checkpoint';
import type { Part } from '@/engine/files/match';
import { hasBiases } from '@/engine/files/names';
import { float32Range, toFloat32 } from '@/engine/files/safetensors';
import { layOutSafetensors } from '@/engine/files/safetensorsWriter';
import { memoryLimits } from '@/engine/gpu/arena';
import type { OpenDevice } from '@/engine/gpu/device';
import { planActivations } from '@/engine/gpu/planner';
import { Program } from '@/engine/gpu/program';
import { Readback } from '@/engine/gpu/readback';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { fixedTuning, type Tuning } from '@/engine/gpu/tuning';
import { recordStep } from './recordStep';
import type { ReplayFolder } from './replayFolder';
import { type ReplayPass, recordReplayPass } from './replayPass';
import { type ReplayStep, replayStep } from './replayStep';
import { RunState } from './state';
import { Stepper } from './stepper';

/** A tensor of the outcome, row-major; counts and expert ids are I32. */
export interface ReplayTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

export interface ReplayOutcome {
  readonly tensors: ReadonlyMap<string, ReplayTensor>;
  readonly steps: readonly ReplayStep[];
}

/**
 * @param tuning which kernels it takes.
 * @throws {LimitError, OutOfMemoryError, ShaderError} where the device cannot hold it
 */
export async function replay(
  open: OpenDevice,
  folder: ReplayFolder,
  tuning: Tuning = fixedTuning,
): Promise<ReplayOutcome> {
  const run = await ReplayRun.create(open, folder, tuning);
  try {
    await run.firstPass();
    for (const index of folder.batches.keys()) await run.step(index);
    open.check();
    return run;
  } finally {
    run.destroy();
  }
}

class ReplayRun implements ReplayOutcome {
  readonly tensors = new Map<string, ReplayTensor>();
  readonly steps: ReplayStep[] = [];
  readonly #folder: ReplayFolder;
  readonly #stepper: Stepper;
  readonly #pass: ReplayPass;
  readonly #passProgram: Program;

  private constructor(
    folder: ReplayFolder,
    stepper: Stepper,
    pass: ReplayPass,
    passProgram: Program,
  ) {
    this.#folder = folder;
    this.#stepper = stepper;
    this.#pass = pass;
    this.#passProgram = passProgram;
  }

  static async create(open: OpenDevice, folder: ReplayFolder, tuning: Tuning): Promise<ReplayRun> {
    const { device } = open;
    const { settings } = folder;
    const { contextLength } = settings.data;
    const state = new RunState(settings, memoryLimits(device), contextLength, 1, tuning);
    const step = recordStep(state);
    const pass = recordReplayPass(state);
    planActivations(pass.tape, state.pool);
    state.materialise(device);
    const build = (tape: Tape) => Program.build(device, tape, state.live);
    const stepper = new Stepper(open, state, {
      microBatch: await build(step.microBatch),
      update: await build(step.update),
    });
    const passProgram = await build(pass.tape);
    await stepper.start(settings.run.seed);
    const run = new ReplayRun(folder, stepper, pass, passProgram);
    run.#load();
    return run;
  }

  destroy(): void {
    this.#passProgram.destroy();
    this.#stepper.destroy();
    this.#stepper.state.destroy();
  }

  #load(): void {
    const { matched, settings } = this.#folder;
    const { state } = this.#stepper;
    for (const { spec, weight } of state.weights.entries()) {
      for (const { source, from, to, length } of matched.weights.get(spec.name) as Part[]) {
        this.#write(weight, to, float32Range(source, from, length));
      }
    }
    matched.biases.forEach((bias, row) => {
      if (bias)
        this.#write(state.router.bias_LE, row * settings.model.expertCount, toFloat32(bias));
    });
  }

  /** Logits, scores, choices and gates of the first batch under the initial weights. */
  async firstPass(): Promise<void> {
    const { settings, batches } = this.#folder;
    const { vocabSize, expertCount, expertsPerToken } = settings.model;
    const { sequences: B, length: T } = this.#folder.shape;
    const inputs = { step: 0, batches: [batches[0]!], settings };
    this.#stepper.setLive(inputs);
    this.#stepper.bring(inputs, 0);
    this.#passProgram.run();
    await this.#bring('logits', [B, T, vocabSize], this.#pass.logits_TV);
    for (const { layer, routed } of this.#pass.mixtures) {
      await this.#bring(`router_scores/${layer}`, [B, T, expertCount], routed.scores_TE);
      await this.#bring(`selected_experts/${layer}`, [B, T, expertsPerToken], routed.selected_TK);
      await this.#bring(`gates/${layer}`, [B, T, expertsPerToken], routed.gates_TK);
    }
  }

  /** One training step, 0-based, and what is told of it. */
  async step(index: number): Promise<void> {
    const { settings, batches, recipe } = this.#folder;
    const inputs = { step: index, batches: [batches[index]!], settings };
    const numbers = await this.#stepper.step(inputs, { bias: true }, 1);
    this.steps.push(replayStep(index, numbers, settings, recipe));
    const E = settings.model.expertCount;
    const layers = mixtureLayers(settings.model);
    const keep = (prefix: string, values: Float32Array | Int32Array) =>
      layers.forEach((layer, row) => {
        const own = values.slice(row * E, (row + 1) * E);
        this.tensors.set(`${prefix}/${layer}`, { shape: [E], values: own });
      });
    keep(`expert_counts/step${index}`, Int32Array.from(numbers.counts));
    if (index === 0) await this.#bringWeights('grad', 'gradient');
    if (hasBiases(settings.model)) {
      keep(`expert_bias/after${index + 1}`, numbers.bias!.bias);
      if (settings.balance.kind === 'smebu') {
        keep(`bias_momentum/after${index + 1}`, numbers.bias!.momentum);
      }
    }
    if (index === 0 || index === batches.length - 1) {
      await this.#bringWeights(`param/after${index + 1}`, 'weight');
    }
  }

  async #bringWeights(prefix: string, kind: 'weight' | 'gradient'): Promise<void> {
    const { model } = this.#folder.settings;
    for (const entry of this.#stepper.state.weights.entries()) {
      const values = await this.#read(entry[kind]);
      for (const { name, shape, start } of checkpointTensors(model, entry.spec)) {
        const length = shape.reduce((a, b) => a * b, 1);
        const own = values.slice(start, start + length) as Float32Array;
        this.tensors.set(`${prefix}/${name}`, { shape, values: own });
      }
    }
  }

  async #bring(name: string, shape: readonly number[], tensor: Tensor): Promise<void> {
    const values = await this.#read(tensor);
    const told = values instanceof Uint32Array ? Int32Array.from(values) : values;
    this.tensors.set(name, { shape, values: told });
  }

  async #read(tensor: Tensor): Promise<Float32Array | Uint32Array> {
    const { device } = this.#stepper.open;
    const readback = new Readback(device, tensor.bytes, 1);
    const encoder = device.createCommandEncoder();
    const shipment = readback.ship(encoder, [tensor]);
    device.queue.submit([encoder.finish()]);
    const [values] = await shipment.arrive();
    readback.destroy();
    return values!;
  }

  #write({ buffer, offset }: Tensor, start: number, values: Float32Array): void {
    const { queue } = this.#stepper.open.device;
    queue.writeBuffer(buffer, offset + 4 * start, values as Float32Array<ArrayBuffer>);
  }
}

/** The tensors as one safetensors file. */
export function replayFile(tensors: ReplayOutcome['tensors']): Uint8Array {
  const stem = 'replay';
  const entries = [...tensors].map(([name, { shape, values }]) => ({
    name,
    shape,
    dtype: values instanceof Int32Array ? ('I32' as const) : ('F32' as const),
  }));
  const { files, places } = layOutSafetensors(stem, entries, Number.POSITIVE_INFINITY);
  for (const [name, { values }] of tensors) {
    places.get(name)!.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return files.get(`${stem}.safetensors`)!;
}
