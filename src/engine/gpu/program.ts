/**
 * @file A recorded tape made ready: a flat list of (pipeline, bind group, grid). Running it makes no buffer,
 * no bind group and no pipeline; what changes from step to step comes from the live scalars.
 */
import type { Kernel } from './kernel';
import type { LiveScalars } from './live';
import { compile, compileAll } from './pipelines';
import type { Dispatch, Grid, Tape } from './tape';
import { aligned, type Tensor } from './tensor';
import { type Work, workOf } from './work';

export interface Action {
  /** Index into the recorded dispatches. */
  readonly index: number;
  readonly kernel: Kernel;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly grid: Grid;
  readonly cost: number;
  readonly section: string | undefined;
  readonly work: Work;
}

/** Who follows a submit: it encodes the dispatches itself, the same in the same order. */
export interface Tracer {
  encode(encoder: GPUCommandEncoder, actions: readonly Action[]): void;
}

export interface RunOptions {
  /** Names of the optional sections to run. */
  readonly sections?: ReadonlySet<string>;
  /** Number of submits to cut the work into; 1 unless the adapter is slow. */
  readonly pieces?: number;
  /** Commands before the first dispatch and after the last one, in the same submits. */
  readonly before?: (encoder: GPUCommandEncoder) => void;
  readonly after?: (encoder: GPUCommandEncoder) => void;
  readonly tracer?: Tracer | undefined;
}

export class Program {
  /** What runs whoever watches. */
  readonly #always: readonly Action[];

  private constructor(
    readonly device: GPUDevice,
    readonly dispatches: readonly Dispatch[],
    readonly actions: readonly Action[],
    readonly uniforms: GPUBuffer,
  ) {
    this.#always = actions.filter(({ section }) => section === undefined);
  }

  /**
   * Compiles every kernel (in parallel) and makes every bind group. All tensors must have their place and
   * all heaps their buffers.
   */
  static async build(device: GPUDevice, tape: Tape, live: LiveScalars): Promise<Program> {
    const { dispatches } = tape;
    const blocks = new ParamBlocks();
    const offsets = dispatches.map((dispatch) => blocks.add(dispatch));
    const uniforms = blocks.upload(device);
    await compileAll(device, [tape]);
    const actions: Action[] = [];
    for (const [index, dispatch] of dispatches.entries()) {
      const { kernel, overrides, grid, cost, section } = dispatch;
      const { pipeline, layout } = await compile(device, kernel, overrides);
      const entries = bindings(dispatch, uniforms, offsets[index]!, live);
      const group = device.createBindGroup({ label: kernel.name, layout, entries });
      const work = workOf(dispatch);
      actions.push({ index, kernel, pipeline, group, grid, cost, section, work });
    }
    return new Program(device, dispatches, actions, uniforms);
  }

  /** Rough work of what always runs, in multiply-adds. */
  get cost(): number {
    return costOf(this.due(undefined));
  }

  /** Encodes the list and submits it. Returns the number of submits. */
  run(options: RunOptions = {}): number {
    return Program.runTogether([this], options);
  }

  /** Encodes programs of one device, one behind the other, into the same submits. Returns their number. */
  static runTogether(
    programs: readonly [Program, ...Program[]],
    { sections, pieces = 1, before, after, tracer }: RunOptions = {},
  ): number {
    const { device } = programs[0];
    const submits = cut(
      programs.flatMap((program) => program.due(sections)),
      pieces,
    );
    for (const [index, actions] of submits.entries()) {
      const encoder = device.createCommandEncoder();
      if (index === 0) before?.(encoder);
      if (tracer) tracer.encode(encoder, actions);
      else encodeTogether(encoder, actions);
      if (index === submits.length - 1) after?.(encoder);
      device.queue.submit([encoder.finish()]);
    }
    return submits.length;
  }

  /** The actions that run with these sections, in order. */
  due(sections: ReadonlySet<string> | undefined): readonly Action[] {
    if (!sections?.size) return this.#always;
    return this.actions.filter(({ section }) => section === undefined || sections.has(section));
  }

  destroy(): void {
    this.uniforms.destroy();
  }
}

const costOf = (actions: readonly Action[]): number =>
  actions.reduce((sum, { cost }) => sum + cost, 0);

/** Cuts a list into at most so many of about the same cost; one of them may be empty. */
function cut(actions: readonly Action[], pieces: number): (readonly Action[])[] {
  if (pieces <= 1) return [actions];
  const share = costOf(actions) / pieces;
  const cuts: number[] = [];
  let spent = 0;
  for (const [index, { cost }] of actions.entries()) {
    if (cuts.length + 1 < pieces && spent > share * (cuts.length + 1)) cuts.push(index);
    spent += cost;
  }
  return [0, ...cuts].map((from, i) => actions.slice(from, cuts[i]));
}

/** Encodes actions into one pass. A pipeline is set where it changes: neighbours often share one. */
export function encodeTogether(
  encoder: GPUCommandEncoder,
  actions: readonly Action[],
  descriptor?: GPUComputePassDescriptor,
): void {
  const pass = encoder.beginComputePass(descriptor);
  let current: GPUComputePipeline | undefined;
  for (const { pipeline, group, grid } of actions) {
    if (pipeline !== current) pass.setPipeline(pipeline);
    current = pipeline;
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
  }
  pass.end();
}

/** Encodes each action into a pass of its own. */
export function encodeApart(
  encoder: GPUCommandEncoder,
  actions: readonly Action[],
  descriptorOf: () => GPUComputePassDescriptor,
): void {
  for (const action of actions) encodeTogether(encoder, [action], descriptorOf());
}

/** Bytes of the uniform buffer that a tape's programs need. */
export function uniformBytes({ dispatches }: Tape): number {
  const blocks = new ParamBlocks();
  for (const dispatch of dispatches) blocks.add(dispatch);
  return blocks.bytes;
}

/** The fixed parameters of all dispatches, equal ones shared. */
class ParamBlocks {
  readonly #offsets = new Map<string, number>();
  readonly #blocks: { offset: number; bytes: Uint8Array }[] = [];
  bytes = 0;

  add({ kernel, params }: Dispatch): number {
    const block = packed(kernel, params);
    const key = String(block);
    const known = this.#offsets.get(key);
    if (known !== undefined) return known;
    const offset = this.bytes;
    this.#offsets.set(key, offset);
    this.#blocks.push({ offset, bytes: block });
    this.bytes += aligned(block.byteLength);
    return offset;
  }

  upload(device: GPUDevice): GPUBuffer {
    const buffer = device.createBuffer({
      label: 'params',
      size: Math.max(16, this.bytes),
      usage: GPUBufferUsage.UNIFORM,
      mappedAtCreation: true,
    });
    const target = new Uint8Array(buffer.getMappedRange());
    for (const { offset, bytes } of this.#blocks) target.set(bytes, offset);
    buffer.unmap();
    return buffer;
  }
}

function packed(kernel: Kernel, values: Readonly<Record<string, number>>): Uint8Array {
  const fields = Object.entries(kernel.params);
  const view = new DataView(new ArrayBuffer(Math.max(16, Math.ceil(fields.length / 4) * 16)));
  fields.forEach(([name, type], i) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${kernel.name}: parameter ${name} has no value`);
    if (type === 'u32') view.setUint32(4 * i, value, true);
    else view.setFloat32(4 * i, value, true);
  });
  return new Uint8Array(view.buffer);
}

function bindings(
  { kernel, tensors, live }: Dispatch,
  uniforms: GPUBuffer,
  offset: number,
  scalars: LiveScalars,
): GPUBindGroupEntry[] {
  const fieldCount = Math.max(4, Object.keys(kernel.params).length);
  const params = { buffer: uniforms, offset, size: Math.ceil(fieldCount / 4) * 16 };
  const entries: GPUBindGroupEntry[] = [{ binding: kernel.paramsBinding, resource: params }];
  if (kernel.liveBinding !== undefined && live) {
    const resource = { buffer: scalars.buffer, offset: live.offset, size: live.bytes };
    entries.push({ binding: kernel.liveBinding, resource });
  }
  for (const [name, binding] of kernel.bindings)
    entries.push({ binding, resource: range(tensors[name]!) });
  return entries;
}

/** The bytes of a tensor as a binding; whole vec4s, so that a kernel may read it as array<vec4f>. */
function range(tensor: Tensor): GPUBufferBinding {
  return { buffer: tensor.buffer, offset: tensor.offset, size: Math.ceil(tensor.bytes / 16) * 16 };
}
