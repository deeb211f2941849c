/**
 * @file Everything of a run that lies on the device and outlives a step: weights, router state, the batch,
 * live scalars. Made without a device, so its exact size is known before a run; `materialise` makes the buffers.
 */
import { mixtureLayers, ropeBase } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import { Arena, type MemoryLimits } from '@/engine/gpu/arena';
import { type LiveBlock, LiveScalars } from '@/engine/gpu/live';
import { ActivationPool } from '@/engine/gpu/planner';
import type { Tensor } from '@/engine/gpu/tensor';
import { fixedTuning, type Tuning } from '@/engine/gpu/tuning';
import { initialSigma } from '@/engine/model/parameters';
import { type AdamwGroup, type MuonGroup, Weights } from '@/engine/model/weights';
import { adamwLive } from '@/engine/ops/adamw';
import { attentionMapFields } from '@/engine/ops/attentionMap';
import { lossFields } from '@/engine/ops/crossEntropy';
import type { TokenOrder } from '@/engine/ops/embedding';
import { CLIP_LENGTH, gradientNormLive } from '@/engine/ops/gradientNorm';
import { positionFields, ropeTable } from '@/engine/ops/headNormRope';
import { loadBalanceLive } from '@/engine/ops/loadBalance';
import { LOSSES_LENGTH } from '@/engine/ops/lossSum';
import { muonLive, newtonSchulzLive } from '@/engine/ops/muon';
import { normalLive } from '@/engine/ops/normal';
import { recycleLive } from '@/engine/ops/recycle';
import { routerLive } from '@/engine/ops/router';
import type { RoutingRecord } from '@/engine/ops/routingStatistics';
import { samplingFields } from '@/engine/ops/sampleToken';

/** Most tokens of one side of a measured attention map: longer sequences show their beginning. */
export const MAP_SIDE = 1024;

/** Arena of what adds up over the micro-batches of a step. */
const TOTALS = 'totals';

export class RunState {
  readonly live = new LiveScalars();
  readonly weights: Weights;
  readonly pool: ActivationPool;
  readonly #arenas = new Map<string, Arena>();

  /** u32 [T] each: what a step eats. */
  readonly batch: { tokens_T: Tensor; targets_T: Tensor; documents_T: Tensor; domains_T: Tensor };
  /** The tokens of the batch sorted by id. */
  readonly tokenOrder: TokenOrder;
  /** [P, C] angles of every position that any program reaches. */
  readonly ropeTable_PC: Tensor;
  readonly router: { bias_LE: Tensor; momentum_LE: Tensor; update_LE: Tensor };
  /** What the routers of one micro-batch find out. */
  readonly routing: RoutingRecord;
  /** The same and more, added up over the micro-batches of a step; cleared before the first. */
  readonly totals: {
    readonly losses: Tensor;
    readonly counts_LE: Tensor;
    readonly statistics_LB2: Tensor;
    readonly switch_L: Tensor;
    readonly overflow_L: Tensor;
    /** u32 [L, domains, E] tokens of each expert by their domain. */
    readonly domainCounts: Tensor;
  };
  /** u32 [L] tokens of a micro-batch that found their expert full, and [1, E] for counts that nobody reads. */
  readonly overflow: { readonly overflow_L: Tensor; readonly scratch_1E: Tensor };
  readonly clip: Tensor;
  /** [side, side] measured attention of one head. */
  readonly attentionMap: Tensor;

  readonly blocks = {
    position: this.live.block('position', positionFields),
    router: this.live.block('router', routerLive),
    recycle: this.live.block('recycle', recycleLive),
    loss: this.live.block('loss', lossFields),
    gradientNorm: this.live.block('gradient norm', gradientNormLive),
    adamw: {
      embedding: this.live.block('adamw embedding', adamwLive),
      experts: this.live.block('adamw experts', adamwLive),
      gains: this.live.block('adamw gains', adamwLive),
      hidden: this.live.block('adamw hidden', adamwLive),
    } satisfies Record<AdamwGroup, LiveBlock>,
    muon: {
      experts: this.live.block('muon experts', muonLive),
      hidden: this.live.block('muon hidden', muonLive),
    } satisfies Record<MuonGroup, LiveBlock>,
    newtonSchulz: this.live.block('newton-schulz', newtonSchulzLive),
    loadBalance: this.live.block('load balance', loadBalanceLive),
    seed: this.live.block('seed', normalLive),
    attentionMap: this.live.block('attention map', attentionMapFields),
    sampling: this.live.block('sampling', samplingFields),
  };

  /**
   * @param longest positions that any program of the run reaches.
   * @param domainCount domains of the data.
   * @param tuning of everything that is recorded with this state.
   */
  constructor(
    readonly settings: Settings,
    readonly limits: MemoryLimits,
    readonly longest: number,
    domainCount: number,
    readonly tuning: Tuning = fixedTuning,
  ) {
    const { model, data } = settings;
    const B = data.batchSequences;
    const S = data.contextLength;
    const E = model.expertCount;
    // A model without mixture layers still has a router state of one row, which nothing touches.
    const L = Math.max(1, mixtureLayers(model).length);
    this.weights = new Weights(settings, limits);
    this.pool = new ActivationPool(limits);
    const u32 = (arena: string, shape: number[], label: string) =>
      this.arena(arena).tensor(shape, label, 'u32');
    const f32 = (arena: string, shape: number[], label: string) =>
      this.arena(arena).tensor(shape, label);
    this.batch = {
      tokens_T: u32('batch', [B * S], 'tokens'),
      targets_T: u32('batch', [B * S], 'targets'),
      documents_T: u32('batch', [B * S], 'documents'),
      domains_T: u32('batch', [B * S], 'domains'),
    };
    this.tokenOrder = {
      order_T: u32('batch', [B * S], 'token order'),
      starts: u32('batch', [model.vocabSize + 1], 'token starts'),
    };
    this.ropeTable_PC = f32('batch', [longest, model.headWidth], 'rope table');
    this.router = {
      bias_LE: f32('router', [L, E], 'expert_bias'),
      momentum_LE: f32('router', [L, E], 'bias momentum'),
      update_LE: f32('router', [L, E], 'bias update'),
    };
    this.routing = this.routingRecord('', B);
    this.overflow = {
      overflow_L: u32('overflow', [L], 'overflow'),
      scratch_1E: u32('overflow', [1, E], 'scratch counts'),
    };
    this.totals = {
      losses: f32(TOTALS, [LOSSES_LENGTH], 'losses'),
      counts_LE: u32(TOTALS, [L, E], 'expert counts of the step'),
      statistics_LB2: f32(TOTALS, [L, B, 2], 'routing statistics of the step'),
      switch_L: f32(TOTALS, [L], 'switch losses of the step'),
      overflow_L: u32(TOTALS, [L], 'overflow of the step'),
      domainCounts: u32(TOTALS, [L, domainCount, E], 'expert counts by domain'),
    };
    this.clip = f32('clip', [CLIP_LENGTH], 'clip');
    const side = Math.min(S, MAP_SIDE);
    this.attentionMap = f32('view', [side, side], 'attention map');
  }

  /** A record of routing over `sequences` sequences. What is read may not share a buffer with what is written. */
  routingRecord(name: string, sequences: number): RoutingRecord {
    const { model } = this.settings;
    const L = Math.max(1, mixtureLayers(model).length);
    const E = model.expertCount;
    const counts = this.arena(`${name} counts`);
    const statistics = this.arena(`${name} routing`);
    return {
      counts_LE: counts.tensor([L, E], `${name} expert counts`, 'u32'),
      statistics_LB2: statistics.tensor([L, sequences, 2], `${name} routing statistics`),
      meanScore_LBE: statistics.tensor([L, sequences, E], `${name} mean scores`),
      switch_L: this.arena(`${name} switch losses`).tensor([L], `${name} switch losses`),
    };
  }

  /** Tensors of `arena` share buffers with each other and with nothing else. */
  arena(name: string): Arena {
    const arena = this.#arenas.get(name) ?? new Arena(name, this.limits);
    this.#arenas.set(name, arena);
    return arena;
  }

  /** Sets all that adds up over a step to zero: gradients and totals. */
  clearStep(encoder: GPUCommandEncoder): void {
    this.weights.clearGradients(encoder);
    this.arena(TOTALS).clear(encoder);
  }

  /** Bytes by class of every buffer but the programs' uniforms and the read-back. */
  get bytes() {
    const other = [...this.#arenas.values()].reduce((sum, arena) => sum + arena.bytes, 0);
    const { weights, copies, gradients, moments1, moments2 } = this.weights;
    return {
      weights: weights.bytes + copies.bytes,
      gradients: gradients.bytes,
      optimizer: moments1.bytes + moments2.bytes,
      activations: this.pool.bytes,
      other: other + this.live.bytes,
    };
  }

  /** Makes all buffers and writes what never changes. */
  materialise(device: GPUDevice): void {
    for (const part of this.#parts) part.materialise(device);
    const { headWidth } = this.settings.model;
    const table = ropeTable(this.longest, headWidth, ropeBase(this.settings.model));
    device.queue.writeBuffer(
      this.ropeTable_PC.buffer,
      this.ropeTable_PC.offset,
      table as Float32Array<ArrayBuffer>,
    );
  }

  destroy(): void {
    for (const part of this.#parts) part.destroy();
  }

  get #parts(): { materialise(device: GPUDevice): void; destroy(): void }[] {
    return [...this.weights.arenas, ...this.#arenas.values(), this.pool, this.live];
  }

  /** Standard deviation of the initial matrices. */
  get sigma(): number {
    return initialSigma(this.settings.model);
  }
}
