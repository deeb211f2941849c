/**
 * @file One kernel out of several texts. Every name gets the number of its part behind it, parameters stand one behind
 * the other in one block, buffers that are the same are bound once, and an entry point hands each workgroup to its part.
 */
import type { Access, Kernel, ScalarType } from './kernel';
import { type KernelUse, type Numbers, sharedMemory, textOf, workgroupSize } from './kernelText';

export interface Joint extends KernelUse {
  /** Number of the common binding by the kernel's own name of the buffer. */
  readonly buffers: ReadonlyMap<string, number>;
}

type Grid = readonly [number, number, number];

/** A kernel of parts, and what a dispatch of it is given by what those of the parts are. */
export interface JoinedKernel {
  readonly kernel: Kernel;
  /** Name of the common binding `at`. */
  nameOf(at: number): string;
  overridesOf(parts: readonly { readonly overrides: Numbers }[]): Numbers;
  paramsOf(parts: readonly { readonly params: Numbers; readonly grid: Grid }[]): Numbers;
}

const known = new Map<string, JoinedKernel>();

/** The same parts give the same kernel. */
export function joinedKernel(joints: readonly Joint[]): JoinedKernel {
  const key = joints
    .map(({ kernel, overrides, buffers }) => {
      const size = workgroupSize(kernel, overrides);
      return [kernel.name, kernel.entryPoint, kernel.edition, ...size, ...buffers].join(' ');
    })
    .concat(sharedMemory(joints).arrays.map(({ element, length }) => `${element} ${length}`))
    .join(' + ');
  const before = known.get(key);
  if (before) return before;
  const made = make(joints, key);
  known.set(key, made);
  return made;
}

/** Binding numbers that no layout has, for each part. */
const UNBOUND = 100;

const bufferName = (at: number): string => `buffer_${at}`;

function make(joints: readonly Joint[], key: string): JoinedKernel {
  const buffers: Record<string, Access> = {};
  const types = new Map<string, string>();
  for (const { kernel, buffers: own } of joints) {
    for (const [name, at] of own) {
      buffers[bufferName(at)] = kernel.buffers[name]!;
      types.set(bufferName(at), textOf(kernel).bindings.get(name)!.type);
    }
  }
  const hasLive = joints.some(({ kernel }) => kernel.liveBinding !== undefined);
  const names = Object.keys(buffers);
  const first = hasLive ? 2 : 1;
  const bindings = names.map(
    (name, i) =>
      `@group(0) @binding(${first + i}) var<storage, ${buffers[name]}> ${name}: ${types.get(name)};`,
  );
  const memory = sharedMemory(joints);
  const wgsl = [
    ...new Set(joints.flatMap(({ kernel }) => textOf(kernel).directives)),
    '@group(0) @binding(0) var<uniform> params: Params;',
    ...(hasLive ? [liveBinding(joints)] : []),
    ...bindings,
    paramsStruct(joints),
    ...joints.flatMap(unbound),
    ...memory.arrays.map(
      ({ name, element, length }) => `var<workgroup> ${name}: array<${element}, ${length}u>;`,
    ),
    ...joints.map((joint, i) => bodyOf(joint, i, memory.names[i]!)),
    entry(joints),
  ].join('\n');
  const { kernel } = joints[0]!;
  return {
    kernel: {
      name: [...new Set(joints.map((joint) => joint.kernel.name))].join(' + '),
      wgsl,
      entryPoint: 'main',
      buffers,
      params: paramFields(joints),
      ...(hasLive && { live: joints.find((joint) => joint.kernel.live)!.kernel.live! }),
      bindings: new Map(names.map((name, i) => [name, first + i])),
      paramsBinding: 0,
      liveBinding: hasLive ? 1 : undefined,
      threads: kernel.threads,
      edition: key,
    },
    nameOf: bufferName,
    overridesOf: (parts) => merged(parts.map(({ overrides }) => overrides)),
    paramsOf: (parts) => ({
      ...merged(joints.map(({ kernel }, i) => ({ ...padding(kernel), ...parts[i]!.params }))),
      ...merged(
        parts.map(({ grid: [gridX, gridY, gridZ] }) => ({ gridX, gridY, gridZ, gridPad: 0 })),
      ),
    }),
  };
}

/** Every name with the number of its part behind it. */
const merged = (parts: readonly Numbers[]): Numbers =>
  Object.fromEntries(
    parts.flatMap((part, i) =>
      Object.entries(part).map(([name, value]) => [`${name}_${i}`, value]),
    ),
  );

/** A block in a uniform buffer is whole fours long. */
const padding = ({ params }: Kernel): Numbers => {
  const missing = (4 - (Object.keys(params).length % 4)) % 4;
  return Object.fromEntries(Array.from({ length: missing }, (_, i) => [`pad${i}`, 0]));
};

/** In the order of `paramsStruct`. */
function paramFields(joints: readonly Joint[]): Record<string, ScalarType> {
  const own = joints.flatMap(({ kernel }, i) => [
    ...Object.entries(kernel.params).map(([name, type]) => [`${name}_${i}`, type]),
    ...Object.keys(padding(kernel)).map((name) => [`${name}_${i}`, 'u32']),
  ]);
  const grids = joints.flatMap((_, i) =>
    ['gridX', 'gridY', 'gridZ', 'gridPad'].map((name) => [`${name}_${i}`, 'u32']),
  );
  return Object.fromEntries([...own, ...grids]);
}

function paramsStruct(joints: readonly Joint[]): string {
  const parts = joints.map((_, i) => `  @align(16) part${i}: Params_${i},`);
  const grids = joints.map((_, i) => `  @align(16) grid${i}: vec4u,`);
  return ['struct Params {', ...parts, ...grids, '}'].join('\n');
}

/** Parts that have live scalars have the same block of them. */
function liveBinding(joints: readonly Joint[]): string {
  const part = joints.findIndex(({ kernel }) => kernel.liveBinding !== undefined);
  return `@group(0) @binding(1) var<uniform> live: Live_${part};`;
}

/** What only other entry points of a file use has to be declared; no layout asks for it. */
function unbound({ kernel, buffers }: Joint, i: number): string[] {
  const isBound = (name: string) =>
    name === 'params' || buffers.has(name) || (name === 'live' && kernel.liveBinding !== undefined);
  return [...textOf(kernel).bindings]
    .filter(([name]) => !isBound(name))
    .map(([name, { space, type }], at) => {
      const place = `@group(0) @binding(${UNBOUND * (i + 1) + at})`;
      return `${place} var<${space}> ${name}_${i}: ${type === 'Live' ? `Live_${i}` : type};`;
    });
}

/** The text of part i with its own names. */
function bodyOf(
  { kernel, buffers }: Joint,
  i: number,
  shared: ReadonlyMap<string, string>,
): string {
  const { body, names } = textOf(kernel);
  const renamed = (name: string): string => {
    if (name === 'params') return `params.part${i}`;
    if (name === 'live' && kernel.liveBinding !== undefined) return 'live';
    const at = buffers.get(name);
    return at === undefined ? (shared.get(name) ?? `${name}_${i}`) : bufferName(at);
  };
  // A name behind a dot is a field or a component.
  const declared = new Set(names);
  return body.replace(/(?<![\w.])[A-Za-z_]\w*/g, (name) =>
    declared.has(name) ? renamed(name) : name,
  );
}

/** Finds the part of a workgroup, and gives it the builtins that it would have alone. */
function entry(joints: readonly Joint[]): string {
  const asksFor = (name: string) =>
    joints.some(({ kernel }) => textOf(kernel).builtins.includes(name));
  const subgroup = ['subgroup_id', 'subgroup_invocation_id', 'subgroup_size'].filter(asksFor);
  const sizes = joints.map(({ kernel, overrides }) => workgroupSize(kernel, overrides));
  const [x, y] = sizes[0]!;
  return `
@compute @workgroup_size(${x * y})
fn main(
  @builtin(workgroup_id) joined_group: vec3u,
  @builtin(num_workgroups) joined_groups: vec3u,
  @builtin(local_invocation_index) local_invocation_index: u32,
${subgroup.map((name) => `  @builtin(${name}) ${name}: u32,\n`).join('')}) {
  var at = joined_group.y * joined_groups.x + joined_group.x;
${joints.map((joint, i) => turn(joint, i, sizes[i]!)).join('')}}`;
}

const turn = ({ kernel }: Joint, i: number, [x, y]: readonly [number, number]): string => {
  const { builtins } = textOf(kernel);
  return `  {
    let num_workgroups = params.grid${i}.xyz;
    let count = num_workgroups.x * num_workgroups.y * num_workgroups.z;
    if (at < count) {
      let row = at / num_workgroups.x;
      let workgroup_id = vec3u(at % num_workgroups.x, row % num_workgroups.y, row / num_workgroups.y);
      let local_invocation_id = vec3u(local_invocation_index % ${x}u, local_invocation_index / ${x}u, 0u);
      let global_invocation_id = workgroup_id * vec3u(${x}u, ${y}u, 1u) + local_invocation_id;
      ${kernel.entryPoint}_${i}(${builtins.join(', ')});
      return;
    }
    at -= count;
  }
`;
};
