/**
 * @file All memory and all recordings of a run, made without a device: what `plan` counts is what `Session`
 * allocates.
 */
import type { Settings } from '@/engine/config/settings';
import { needleGridShape } from '@/engine/data/needles';
import type { MemoryLimits } from '@/engine/gpu/arena';
import { planActivations } from '@/engine/gpu/planner';
import { uniformBytes } from '@/engine/gpu/program';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { fixedTuning, type Tuning } from '@/engine/gpu/tuning';
import { flopsPerToken, kvCache } from '@/engine/model/cost';
import { countParameters } from '@/engine/model/parameters';
import { LOSSES_LENGTH } from '@/engine/ops/lossSum';
import type { Plan } from './commands';
import { type GenerationInputs, generationInputs, recordGeneration } from './recordGeneration';
import {
  type Evaluation,
  type EvaluationInputs,
  recordEvaluation,
  recordStep,
  type StepHalves,
} from './recordStep';
import { RunState } from './state';
import { stepReadbackBytes } from './stepNumbers';
import { readbackSlots } from './stepper';

/** A forward pass over other data than the batch, with its own inputs. */
export interface ProbeRecording extends Evaluation {
  readonly inputs: EvaluationInputs;
  /** Sequences of one pass, and their length. */
  readonly sequences: number;
  readonly length: number;
  /** What is read back after a pass, and how many passes may be on their way. */
  readonly results: readonly Tensor[];
  readonly slots: number;
}

export interface Assembly {
  readonly state: RunState;
  readonly step: StepHalves<Tape>;
  readonly heldOut: ProbeRecording;
  /** One for each context length of the needle grid. */
  readonly needles: readonly ProbeRecording[];
  readonly generation: Tape;
  readonly generationInputs: GenerationInputs;
  /** All of the above. */
  readonly tapes: readonly Tape[];
  readonly bytes: Plan['bytes'];
}

/** Tokens of one needle pass, in training lengths: the longest context fits once. */
const NEEDLE_LENGTHS = 4;

export interface Assembling {
  /** Which kernels it takes: one that ends in another op leaves out the tensor between them. */
  readonly tuning?: Tuning;
  /** For sizes only: leaves out what takes no further memory. */
  readonly isSketch?: boolean;
}

/**
 * @throws {LimitError} where a tensor is too large for one binding.
 */
export function assemble(
  settings: Settings,
  limits: MemoryLimits,
  domainCount: number,
  { tuning = fixedTuning, isSketch = false }: Assembling = {},
): Assembly {
  const { contextLength: S, batchSequences: B } = settings.data;
  const { lengths } = needleGridShape(S);
  const longest = Math.max(NEEDLE_LENGTHS * S, ...lengths);
  const state = new RunState(settings, limits, longest, domainCount, tuning);
  const step = recordStep(state, isSketch);
  const heldOut = probe(state, 'held out', B, S, ({ losses, routing }) => [
    losses,
    routing.counts_LE,
  ]);
  const needles = lengths.map((length) =>
    probe(state, 'needles', Math.max(1, Math.floor(longest / length)), length, (evaluation) => [
      evaluation.stats_T,
    ]),
  );
  const generation = generationInputs(state, longest);
  const generationTape = recordGeneration(state, generation);
  const probes = [heldOut, ...needles];
  const others = [...probes.map(({ tape }) => tape), generationTape];
  for (const tape of others) planActivations(tape, state.pool);
  const tapes = [step.microBatch, step.update, ...others];
  return {
    state,
    step,
    heldOut,
    needles,
    generation: generationTape,
    generationInputs: generation,
    tapes,
    bytes: totals(state, tapes, probes),
  };
}

function probe(
  state: RunState,
  name: string,
  sequences: number,
  length: number,
  resultsOf: (tensors: EvaluationInputs & Evaluation) => Tensor[],
): ProbeRecording {
  const T = sequences * length;
  const u32 = (arena: string, shape: number[], label: string): Tensor =>
    state.arena(`${name} ${arena}`).tensor(shape, `${name} ${label}`, 'u32');
  const f32 = (arena: string, shape: number[], label: string): Tensor =>
    state.arena(`${name} ${arena}`).tensor(shape, `${name} ${label}`);
  const inputs: EvaluationInputs = {
    tokens_T: u32('inputs', [T], 'tokens'),
    targets_T: u32('inputs', [T], 'targets'),
    documents_T: u32('inputs', [T], 'documents'),
    losses: f32('outputs', [LOSSES_LENGTH], 'losses'),
    routing: state.routingRecord(name, sequences),
  };
  const evaluation = recordEvaluation(state, inputs, length);
  const results = resultsOf({ ...inputs, ...evaluation });
  return { ...evaluation, inputs, sequences, length, results, slots: PROBE_SLOTS };
}

function totals(
  state: RunState,
  tapes: readonly Tape[],
  probes: readonly ProbeRecording[],
): Plan['bytes'] {
  const { weights, gradients, optimizer, activations, other: tensors } = state.bytes;
  const uniforms = tapes.reduce((sum, tape) => sum + Math.max(16, uniformBytes(tape)), 0);
  const shipments =
    readbackSlots * stepReadbackBytes(state) +
    probes.reduce(
      (sum, recording) => sum + recording.slots * Math.max(16, probeReadbackBytes(recording)),
      0,
    ) +
    generationReadbackBytes(state);
  const other = tensors + uniforms + shipments;
  const total = weights + gradients + optimizer + activations + other;
  return { weights, gradients, optimizer, activations, other, total };
}

/** Passes of a probe that may be on their way: all held-out batches of one evaluation. */
const PROBE_SLOTS = 4;

/** Bytes of one shipment of a probe. */
export const probeReadbackBytes = ({ results }: ProbeRecording): number =>
  results.reduce((sum, { bytes }) => sum + bytes, 0);

/** Bytes of the read-back of a generated text. */
export const generationReadbackBytes = ({ longest }: RunState): number => 4 * longest;

/** Models with more weights are planned from a sketch: nobody trains them in a tab. */
const MOST_EXACT = 2e9;

/** Exact sizes of a run on an adapter with these limits, with the kernels that it takes. @throws {LimitError} */
export function planRun(
  settings: Settings,
  limits: MemoryLimits,
  domainCount: number,
  tuning: Tuning = fixedTuning,
): Plan {
  const { total, active } = countParameters(settings.model);
  const isSketch = total > MOST_EXACT;
  const { bytes } = assemble(settings, limits, domainCount, { tuning, isSketch });
  return {
    parameterCount: total,
    activeParameterCount: active,
    bytes,
    tokensPerStep:
      settings.schedule.microBatches * settings.data.batchSequences * settings.data.contextLength,
    flopsPerToken: flopsPerToken(settings),
    kvCache: kvCache(settings),
  };
}
