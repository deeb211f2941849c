/**
 * @file A run on an open device: the assembly with its buffers, its programs, and what can be done with them.
 * Every method that submits sets its live scalars, flushes and runs without a pause, so calls never mix.
 */
import type { Settings } from '@/engine/config/settings';
import { type Batch, IGNORED } from '@/engine/data/batch';
import type { NeedleText } from '@/engine/data/needles';
import { type MemoryLimits, memoryLimits } from '@/engine/gpu/arena';
import type { OpenDevice } from '@/engine/gpu/device';
import { OutOfMemoryError } from '@/engine/gpu/errors';
import { compileAll, type Progress } from '@/engine/gpu/pipelines';
import { Program } from '@/engine/gpu/program';
import { Readback, type Shipment } from '@/engine/gpu/readback';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { fixedTuning, type Tuning } from '@/engine/gpu/tuning';
import { lossAt } from '@/engine/ops/lossSum';
import {
  type Assembly,
  assemble,
  generationReadbackBytes,
  type ProbeRecording,
  probeReadbackBytes,
} from './assembly';
import { setLiveValues, setLossScale } from './liveValues';
import { recordStart } from './recordStep';
import { Stepper } from './stepper';

/** What an evaluation of one batch found. */
export interface EvaluationResult {
  /** Mean over valid targets, nats. */
  readonly crossEntropy: number;
  readonly validTargets: number;
  /** [mixture layers, experts] tokens of each expert. */
  readonly counts: Uint32Array;
}

/** What became of one needle text. */
export interface NeedleResult {
  /** Every byte of the value was the likeliest one. */
  readonly isFound: boolean;
  /** Natural log-probability of the value. */
  readonly logProbability: number;
}

interface Probe {
  readonly recording: ProbeRecording;
  readonly program: Program;
  readonly readback: Readback;
}

export interface DrawOptions {
  readonly position: number;
  readonly promptLength: number;
  readonly random: number;
  readonly inverseTemperature: number;
}

export interface Making {
  /** Those of the device unless said. */
  readonly limits?: MemoryLimits | undefined;
  /** Which kernels it takes. */
  readonly tuning?: Tuning;
}

export class Session {
  #ready: Promise<void> | undefined;
  #isReady = false;

  private constructor(
    readonly open: OpenDevice,
    readonly assembly: Assembly,
    readonly stepper: Stepper,
    readonly heldOut: Probe,
    readonly needles: readonly Probe[],
    readonly generation: Program,
    readonly generationReadback: Readback,
    /** Resolves when a step can run as a whole. @throws {ShaderError} */
    readonly compiled: Promise<void>,
  ) {}

  /**
   * A session that can do everything.
   * @throws {LimitError, OutOfMemoryError, ShaderError}
   */
  static async create(...parts: Parameters<typeof Session.begin>): Promise<Session> {
    const session = await Session.begin(...parts);
    await session.ready;
    return session;
  }

  /**
   * Makes every buffer and starts to compile the kernels of a step.
   * @throws {LimitError, OutOfMemoryError}
   */
  static async begin(
    open: OpenDevice,
    settings: Settings,
    domainCount: number,
    progress: Progress = () => {},
    { limits = memoryLimits(open.device), tuning = fixedTuning }: Making = {},
  ): Promise<Session> {
    const { device } = open;
    const assembly = assemble(settings, limits, domainCount, { tuning });
    const { state, step } = assembly;
    const compiled = compileAll(
      device,
      [recordStart(state), step.microBatch, step.update],
      progress,
    );
    compiled.catch(() => {}); // told to whoever waits, now or later
    await materialised(open, assembly);
    setLiveValues(state, settings, 0, 0); // for what runs before the first step
    const begin = (tape: Tape) => Program.begin(device, tape, state.live);
    const programs = { microBatch: begin(step.microBatch), update: begin(step.update) };
    const probe = (recording: ProbeRecording): Probe => {
      const readback = new Readback(device, probeReadbackBytes(recording), recording.slots);
      return { recording, program: begin(recording.tape), readback };
    };
    return new Session(
      open,
      assembly,
      new Stepper(open, state, programs),
      probe(assembly.heldOut),
      assembly.needles.map(probe),
      begin(assembly.generation),
      new Readback(device, generationReadbackBytes(state), 1),
      compiled,
    );
  }

  /**
   * Resolves when every kernel is compiled: all but a step need that. From the first call on those of probes and texts
   * are compiled too. @throws {ShaderError}
   */
  get ready(): Promise<void> {
    this.#ready ??= this.#compileAll();
    return this.#ready;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  async #compileAll(): Promise<void> {
    await this.compiled;
    const probes = [this.heldOut, ...this.needles].map(({ program }) => program);
    await Promise.all([...probes, this.generation].map((program) => program.compiled()));
    this.#isReady = true;
    this.open.check();
  }

  /** Mean cross-entropy of one held-out batch with the weights of now. */
  async evaluate({ tokens, targets, documents }: Batch): Promise<EvaluationResult> {
    const { inputs } = this.heldOut.recording;
    this.#write(inputs.tokens_T, tokens);
    this.#write(inputs.targets_T, targets);
    this.#write(inputs.documents_T, documents);
    const validTargets = targets.reduce((sum, target) => sum + Number(target !== IGNORED), 0);
    const [losses, counts] = await this.#run(this.heldOut, validTargets).arrive();
    const crossEntropy = losses![lossAt.crossEntropy]!;
    return { crossEntropy, validTargets, counts: counts as Uint32Array };
  }

  /** Sequences of one needle pass at each length of the grid. */
  needleSequences(column: number): number {
    return this.assembly.needles[column]!.sequences;
  }

  /** Whether a pass at that length can start without waiting for an earlier one. */
  isNeedleReady(column: number): boolean {
    return this.needles[column]!.readback.isReady;
  }

  /** Asks for the values hidden in up to `needleSequences(column)` texts of that length. */
  async findNeedles(column: number, texts: readonly NeedleText[]): Promise<NeedleResult[]> {
    const probe = this.needles[column]!;
    const { inputs, length, sequences } = probe.recording;
    const tokens = new Uint32Array(sequences * length);
    const targets = new Uint32Array(sequences * length).fill(IGNORED);
    texts.forEach((text, row) => {
      tokens.set(text.tokens, row * length);
      for (let at = text.answerStart; at < text.answerStart + text.answerLength; at++) {
        targets[row * length + at - 1] = text.tokens[at]!;
      }
    });
    this.#write(inputs.tokens_T, tokens);
    this.#write(inputs.targets_T, targets);
    const [stats] = await this.#run(probe, texts.length).arrive();
    return texts.map((text, row) => needleResult(stats as Float32Array, row * length, text));
  }

  /** Most tokens of a generated text, prompt included. */
  get textCapacity(): number {
    return this.assembly.generationInputs.text.length;
  }

  /** Puts a prompt where generation starts. */
  setText(prompt: Uint8Array): void {
    const { text, token } = this.assembly.generationInputs;
    this.#write(text, Uint32Array.from(prompt));
    this.#write(token, Uint32Array.of(prompt[0]!));
  }

  /** Submits one token of generation. */
  generateToken(options: DrawOptions): void {
    const { blocks, live } = this.assembly.state;
    blocks.position.set({ offset: options.position });
    blocks.sampling.set(options);
    live.flush(this.open.device.queue);
    this.generation.run();
  }

  /** The generated text as far as it was submitted. */
  async readText(): Promise<Uint32Array> {
    const encoder = this.open.device.createCommandEncoder();
    const shipment = this.generationReadback.ship(encoder, [this.assembly.generationInputs.text]);
    this.open.device.queue.submit([encoder.finish()]);
    const [text] = await shipment.arrive();
    return text as Uint32Array;
  }

  /** Bytes of every buffer that this session holds. */
  get deviceBytes(): number {
    const { weights, gradients, optimizer, activations, other } = this.assembly.state.bytes;
    const probes = [this.heldOut, ...this.needles];
    const programs = [
      ...Object.values(this.stepper.programs),
      this.generation,
      ...probes.map(({ program }) => program),
    ];
    const readbacks = [
      this.stepper.readback,
      this.generationReadback,
      ...probes.map((p) => p.readback),
    ];
    return (
      weights +
      gradients +
      optimizer +
      activations +
      other +
      programs.reduce((sum, { uniforms }) => sum + uniforms.size, 0) +
      readbacks.reduce((sum, { totalBytes }) => sum + totalBytes, 0)
    );
  }

  destroy(): void {
    const probes = [this.heldOut, ...this.needles];
    for (const { program, readback } of probes) {
      program.destroy();
      readback.destroy();
    }
    for (const part of [this.stepper, this.generation, this.generationReadback]) part.destroy();
    this.assembly.state.destroy();
  }

  #write({ buffer, offset }: Tensor, values: Uint32Array): void {
    this.open.device.queue.writeBuffer(buffer, offset, values as Uint32Array<ArrayBuffer>);
  }

  #run({ recording, program, readback }: Probe, validTargets: number): Shipment {
    const { state } = this.assembly;
    // All else is as the last step had it: a pass sees the balancer of now.
    setLossScale(state, validTargets, 0);
    state.blocks.position.set({ offset: 0 });
    state.live.flush(this.open.device.queue);
    let shipment: Shipment | undefined;
    program.run({
      after: (encoder) => {
        shipment = readback.ship(encoder, recording.results);
      },
    });
    return shipment!;
  }
}

/** Makes all buffers, or none. @throws {OutOfMemoryError} with the bytes that were asked for. */
async function materialised({ device }: OpenDevice, { state, bytes }: Assembly): Promise<void> {
  device.pushErrorScope('out-of-memory');
  state.materialise(device);
  const error = await device.popErrorScope();
  if (!error) return;
  state.destroy();
  const gib = (bytes.total / 2 ** 30).toFixed(2);
  throw new OutOfMemoryError(
    `The device could not give the ${gib} GiB of this run. ${error.message}`,
  );
}

/** Statistics of a token: largest logit, sum of exponentials, logit of the target, log-sum-exp. */
function needleResult(
  stats: Float32Array,
  start: number,
  { answerStart, answerLength }: NeedleText,
): NeedleResult {
  let isFound = true;
  let logProbability = 0;
  for (let at = answerStart - 1; at < answerStart - 1 + answerLength; at++) {
    const [highest, , logit, lse] = stats.subarray(4 * (start + at), 4 * (start + at) + 4);
    isFound &&= logit! >= highest!;
    logProbability += logit! - lse!;
  }
  return { isFound, logProbability };
}
