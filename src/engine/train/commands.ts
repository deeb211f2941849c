/**
 * @file What a trainer can be asked and what it tells. Types only.
 *
 * `Trainer` implements `Commands`; `worker/client` offers the same over a port, so no caller needs
 * to know on which side it stands.
 */
import type { Experiment, LiveChange } from '@/engine/config/experiment';
import type { Value } from '@/engine/config/field';
import type { MetricValues } from '@/engine/config/metrics';
import type { SettingPath } from '@/engine/config/settings';
import type { FlopsPerToken, KvCacheSize } from '@/engine/model/cost';

/** The adapter that a run uses. */
export interface AdapterReport {
  /** Readable name, e.g. `llvmpipe (LLVM 19.1.7, 256 bits)`. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** A CPU in disguise (SwiftShader, lavapipe, WARP): the page starts smaller there. */
  readonly isSoftware: boolean;
  readonly features: readonly string[];
  /** Largest buffer and largest binding, in bytes. */
  readonly maxBufferBytes: number;
  readonly maxBindingBytes: number;
}

/** Exact sizes of a run, known before it starts. Bytes are of whole buffers, with their padding. */
export interface Plan {
  readonly parameterCount: number;
  /** Parameters that one token touches: K of E routed experts, everything else in full. */
  readonly activeParameterCount: number;
  readonly bytes: {
    readonly weights: number;
    readonly gradients: number;
    readonly optimizer: number;
    readonly activations: number;
    /** Batches, uniforms, router state, read-back rings. */
    readonly other: number;
    readonly total: number;
  };
  /** Of one optimizer step, all its micro-batches at step 0. */
  readonly tokensPerStep: number;
  readonly flopsPerToken: FlopsPerToken;
  readonly kvCache: KvCacheSize;
  /** Set where the adapter cannot hold it. */
  readonly refusal?: {
    /** In words for a person. */
    readonly message: string;
    /** All bytes with `run.activationCheckpointing`, where that alone makes it fit. */
    readonly recomputedBytes: number | undefined;
    /** The largest preset of its family that fits. */
    readonly fits: string | undefined;
  };
}

export interface RunInfo {
  readonly plan: Plan;
  readonly experiment: Experiment;
  /** Layer indices with experts; expert arrays have one row for each. */
  readonly mixtureLayers: readonly number[];
  readonly expertCount: number;
  /** Names of the data domains; a token's domain is an index into it. */
  readonly domains: readonly DomainInfo[];
  /** Finished steps that it stands at: 0, or those of the checkpoint that it was loaded from. */
  readonly startStep: number;
  /** Set where the weights came from a checkpoint without the state of a run: no link makes the same run. */
  readonly isImported: boolean;
}

export interface DomainInfo {
  readonly id: string;
  readonly label: string;
  /** What it is made of, for a caption. */
  readonly source: string;
  /** Share of the mixture that the run begins with, 0 to 1. */
  readonly share: number;
  /** Shares in the mixtures of later phases, in their order; empty where there are none. */
  readonly laterShares: readonly number[];
}

/** What panels show right now. What nobody watches is neither computed nor read back. */
export interface Watch {
  /** Tokens an expert receives, all mixture layers, every step. */
  readonly load: boolean;
  /** The same split by domain. */
  readonly domains: boolean;
  /** Bias, momentum and last update, all mixture layers, every step. */
  readonly bias: boolean;
  /** The measured map of one head of one sequence of the step's last micro-batch. */
  readonly attention:
    | { readonly layer: number; readonly head: number; readonly sequence: number }
    | undefined;
  /** The split of a step by kernel, about once a second and at most of one step in eight. */
  readonly kernels: boolean;
}

/** What a kernel is for. `ends`: embedding, head and loss; `gates`: activations and sums; `views`: what is watched. */
export type KernelKind =
  | 'matmul'
  | 'experts'
  | 'attention'
  | 'norms'
  | 'gates'
  | 'router'
  | 'ends'
  | 'optimizer'
  | 'views'
  | 'other';

/** One kernel's part of a step. */
export interface KernelUse {
  readonly kind: KernelKind;
  /** Its shader and, where that has several, its entry point. */
  readonly kernel: string;
  readonly calls: number;
  /** Device time of all calls, ms; undefined where the adapter has no timestamps. */
  readonly ms: number | undefined;
  /** Operations that the mathematics asks for, a multiply-add counted as two; 0 where only memory counts. */
  readonly flops: number;
  /** Bytes that must be read or written at least once. */
  readonly bytes: number;
}

/** The most that an adapter does, measured on it. */
export interface Peaks {
  /** f32 operations a second, a multiply-add counted as two. */
  readonly flops: number;
  /** Bytes a second, read and written together. */
  readonly bytes: number;
}

export interface GenerateRequest {
  readonly prompt: string;
  readonly temperature: number;
  /** Bytes to generate at most. */
  readonly length: number;
  readonly seed: number;
}

export interface Sample {
  readonly step: number;
  readonly prompt: string;
  /** The continuation, decoded as UTF-8 with replacement. */
  readonly text: string;
  /** Bytes generated: fewer than were asked for where prompt and text fill what the model can look back on. */
  readonly length: number;
  readonly temperature: number;
  readonly seed: number;
  readonly elapsedMs: number;
}

export interface TextReport {
  readonly name: string;
  readonly bytes: number;
}

/** A checkpoint: a Hugging Face folder and what the lab adds to it. File name to contents. */
export type CheckpointFiles = ReadonlyMap<string, Uint8Array>;

export interface Commands {
  /** Opens the adapter. @throws by class name: NoWebGpuError, NoAdapterError, LimitError. */
  open(): Promise<AdapterReport>;
  /** Exact sizes of an experiment; needs no buffer. @throws ConfigError */
  plan(experiment: Experiment): Promise<Plan>;
  /**
   * Records a run, makes its buffers and stops before step 0. Ends the run before it. Kernels go on compiling: the first
   * step begins with those that are there, and all else waits for the last. @throws ConfigError, LimitError
   */
  start(experiment: Experiment): Promise<RunInfo>;
  play(): Promise<void>;
  /** Resolves when the step in flight is finished and its numbers were told. */
  pause(): Promise<void>;
  /** One step, from a pause. */
  step(): Promise<void>;
  /** Back to step 0 of the same experiment, paused. */
  reset(): Promise<RunInfo>;
  /**
   * Goes back to the last in-memory checkpoint, paused, and drops the live changes made since then;
   * resolves with its step.
   */
  rewind(): Promise<number>;
  /** A live setting gets a new value from the next step on. @throws ConfigError */
  change(path: SettingPath, value: Value): Promise<LiveChange>;
  watch(watch: Watch): Promise<void>;
  /** Continues a prompt with the weights of now. Training goes on meanwhile. */
  generate(request: GenerateRequest): Promise<Sample>;
  /**
   * Measures all held-out text with the weights of now: cross-entropy, bits per byte, MaxVio over all batches and by
   * batch. Empty where the mixture holds nothing out. @throws where such a measurement is under way
   */
  evaluate(): Promise<MetricValues>;
  /** Measures a needle grid now. */
  probeNeedles(): Promise<void>;
  /**
   * The run as it stands, between two steps: weights under the family's names, optimizer, routers, data cursor.
   * Training goes on meanwhile. @throws where there is no run
   */
  save(): Promise<CheckpointFiles>;
  /**
   * Starts a run from a checkpoint, paused: goes on to the bit where `save` made it; from its weights, at step 0,
   * where somebody else did. Nothing is changed when it is refused.
   * @throws CheckpointError, ConfigError, LimitError
   */
  load(files: CheckpointFiles): Promise<RunInfo>;
  /** Adds or replaces the visitor's text; it becomes a domain of the next run. @throws TextError */
  addText(name: string, bytes: Uint8Array): Promise<TextReport>;
  /** Drops the visitor's text. */
  removeText(): Promise<void>;
}

export type RunPhase = 'empty' | 'preparing' | 'paused' | 'training' | 'stopped';

/** What a trainer tells without being asked. Typed arrays are row-major. */
export interface Events {
  phase: {
    readonly phase: RunPhase;
    readonly step: number;
    /** What is being prepared, and how far: 'Compiling kernels', 14 of 41; those of a run that stands or trains, too. */
    readonly progress?: { readonly label: string; readonly done: number; readonly total: number };
  };
  /** Scalars of one step. */
  metrics: { readonly step: number; readonly values: MetricValues };
  /** counts: [mixture layers, experts]; maxVio: [mixture layers]. */
  load: { readonly step: number; readonly counts: Uint32Array; readonly maxVio: Float32Array };
  /** counts: [mixture layers, domains, experts] (token, expert) pairs; tokens: [domains] tokens of the step. */
  domains: { readonly step: number; readonly counts: Uint32Array; readonly tokens: Uint32Array };
  /** Each [mixture layers, experts]. */
  bias: {
    readonly step: number;
    readonly bias: Float32Array;
    readonly momentum: Float32Array;
    readonly update: Float32Array;
  };
  attention: AttentionView;
  /** Means over the last measured steps. */
  kernels: {
    readonly step: number;
    /** Steps that the means are taken over, eight at most. */
    readonly steps: number;
    /** Longest first. */
    readonly uses: readonly KernelUse[];
    readonly submits: number;
    /** CPU time of encoding and submitting the last step that was not measured, ms; undefined before there was one. */
    readonly encodeMs: number | undefined;
    /** Undefined where the device had no room to measure them. */
    readonly peaks: Peaks | undefined;
  };
  needles: NeedleGrid;
  sample: Sample;
  /** A live change took effect (also those replayed from a link). */
  changed: LiveChange;
  /** The device was lost and is back; steps after `resumedAt` are done again. */
  recovered: { readonly lostAt: number; readonly resumedAt: number; readonly reason: string };
  /** The run has ended by itself: the message is for a person to read. */
  failed: Failure;
}

/** The measured attention of one head. */
export interface AttentionView {
  readonly step: number;
  readonly layer: number;
  readonly head: number;
  readonly sequence: number;
  /** S: side of the map. */
  readonly size: number;
  /** [S, S] softmax weights, query by row; 0 outside the mask. */
  readonly weights: Float32Array;
  /** [S] document of each token of that sequence. */
  readonly documents: Uint32Array;
  /** [S] the bytes themselves. */
  readonly tokens: Uint32Array;
  /** Window of the layer in tokens; undefined where it sees everything before it. */
  readonly window: number | undefined;
  /** Whether the intra-document mask is on. */
  readonly isMaskedByDocument: boolean;
  /** Key-value head that this query head reads. */
  readonly kvHead: number;
  /** Mean over queries of the entropy of their weights, nats. */
  readonly entropy: number;
  /** Mean distance looked back, tokens. */
  readonly meanDistance: number;
}

/** One needle grid, by depth (rows) and context length (columns). */
export interface NeedleGrid {
  /** Steps finished when the first and the last cell were measured. */
  readonly firstStep: number;
  readonly step: number;
  readonly keys: number;
  readonly trials: number;
  readonly lengths: readonly number[];
  /** 0 to 1: where the needle stands in the context. */
  readonly depths: readonly number[];
  /** [depths, lengths] share of trials whose value bytes were all the likeliest. NaN: not measured yet. */
  readonly accuracy: Float32Array;
  /** [depths, lengths] mean over trials of the natural log-probability of the value. */
  readonly logProbability: Float32Array;
  readonly trainingLength: number;
  readonly isComplete: boolean;
}

export interface Failure {
  /** Class of the error: DeviceLostError, NotFiniteError, OutOfMemoryError, … */
  readonly name: string;
  readonly message: string;
  readonly step: number;
  /** First tensor that was not finite, with its layer. */
  readonly tensor?: string;
  /** Step of the in-memory checkpoint that `rewind` goes back to. */
  readonly checkpointStep?: number;
}
