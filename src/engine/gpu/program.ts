/**
 * @file A recorded tape made ready: a flat list of (pipeline, bind group, grid). Running it makes no buffer,
 * no bind group and no pipeline; what changes from step to step comes from the live scalars. Its first run may begin
 * while kernels still compile.
 */
import type { Dispatch, Grid } from './dispatch';
import type { Kernel } from './kernel';
import type { LiveScalars } from './live';
import { type Compiling, compile } from './pipelines';
import type { Tape } from './tape';
import { aligned, type Tensor } from './tensor';
import { type Work, workOf } from './work';

export interface Action {
  /** Index into the recorded dispatches. */
  readonly index: number;
  readonly kernel: Kernel;
  readonly compiling: Compiling;
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
  #isCompiled = false;

  private constructor(
    readonly device: GPUDevice,
    readonly dispatches: readonly Dispatch[],
    readonly actions: readonly Action[],
    readonly uniforms: GPUBuffer,
  ) {
    this.#always = actions.filter(({ section }) => section === undefined);
  }

  /** Makes every bind group; compiles nothing. All tensors must have their place and all heaps their buffers. */
  static begin(device: GPUDevice, tape: Tape, live: LiveScalars): Program {
    const { dispatches } = tape;
    const blocks = new ParamBlocks();
    const offsets = dispatches.map((dispatch) => blocks.add(dispatch));
    const uniforms = blocks.upload(device);
    const actions = dispatches.map((dispatch, index): Action => {
      const { kernel, overrides, grid, cost, section } = dispatch;
      const compiling = compile(device, kernel, overrides);
      const { layout } = compiling;
      const entries = bindings(dispatch, uniforms, offsets[index]!, live);
      const group = device.createBindGroup({ label: kernel.name, layout, entries });
      return { index, kernel, compiling, group, grid, cost, section, work: workOf(dispatch) };
    });
    return new Program(device, dispatches, actions, uniforms);
  }

  /** A program that can run at once. @throws {ShaderError} */
  static async build(device: GPUDevice, tape: Tape, live: LiveScalars): Promise<Program> {
    const program = Program.begin(device, tape, live);
    await program.compiled();
    return program;
  }

  get isCompiled(): boolean {
    // Asked before every step: once it is so, it stays so.
    this.#isCompiled ||= this.actions.every(({ compiling }) => compiling.pipeline !== undefined);
    return this.#isCompiled;
  }

  /** Compiles what is not yet compiled; resolves when it can run as a whole. @throws {ShaderError} */
  async compiled(): Promise<void> {
    await Promise.all(this.actions.map(({ compiling }) => compiling.done));
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
    { sections, pieces = 1, ...options }: RunOptions = {},
  ): number {
    const due = programs.flatMap((program) => program.due(sections));
    const submits = cut(due, pieces);
    submit(programs[0].device, submits, options);
    return submits.length;
  }

  /**
   * The same while kernels still compile: submits what can run, waits for the next kernel, and so on. Only this may be
   * submitted until it is through. Returns the number of submits.
   * @throws {ShaderError}
   */
  static async runAsCompiled(
    programs: readonly [Program, ...Program[]],
    { sections, pieces = 1, before, after, ...options }: RunOptions = {},
  ): Promise<number> {
    const due = programs.flatMap((program) => program.due(sections));
    const share = costOf(due) / pieces;
    let count = 0;
    for (let from = 0, to = 0; from < due.length; from = to) {
      await due[from]!.compiling.done;
      while (due[to]?.compiling.pipeline) to++;
      const ready = due.slice(from, to);
      const submits = cut(ready, Math.ceil(costOf(ready) / share));
      const ends = { ...(from === 0 && { before }), ...(to === due.length && { after }) };
      submit(programs[0].device, submits, { ...options, ...ends });
      count += submits.length;
    }
    return count;
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

/** A command buffer for each list of actions. */
function submit(
  device: GPUDevice,
  submits: readonly (readonly Action[])[],
  { before, after, tracer }: Pick<RunOptions, 'before' | 'after' | 'tracer'>,
): void {
  for (const [index, actions] of submits.entries()) {
    const encoder = device.createCommandEncoder();
    if (index === 0) before?.(encoder);
    if (tracer) tracer.encode(encoder, actions);
    else encodeTogether(encoder, actions);
    if (index === submits.length - 1) after?.(encoder);
    device.queue.submit([encoder.finish()]);
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
  for (const { kernel, compiling, group, grid } of actions) {
    const { pipeline } = compiling;
    if (!pipeline) throw new Error(`${kernel.name}: is not compiled yet`);
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
