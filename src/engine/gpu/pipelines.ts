/** @file Compiles kernels, each once a device. The layout comes from the declared access, not from use. */
import { ShaderError } from './errors';
import type { Kernel } from './kernel';

export interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

const caches = new WeakMap<GPUDevice, Map<string, Promise<Compiled>>>();

/** One text for one pipeline: kernel, entry point and overridden constants. */
export function pipelineKey(kernel: Kernel, overrides: Readonly<Record<string, number>>): string {
  const constants = Object.entries(overrides).map(([name, value]) => `${name}=${value}`);
  return [kernel.name, kernel.entryPoint, ...constants].join(' ');
}

/** @throws {ShaderError} with the compiler's words and the line they speak of. */
export function compile(
  device: GPUDevice,
  kernel: Kernel,
  overrides: Readonly<Record<string, number>>,
): Promise<Compiled> {
  const cache = caches.get(device) ?? new Map<string, Promise<Compiled>>();
  caches.set(device, cache);
  const key = pipelineKey(kernel, overrides);
  let compiled = cache.get(key);
  if (!compiled) {
    compiled = build(device, kernel, overrides);
    cache.set(key, compiled);
  }
  return compiled;
}

async function build(
  device: GPUDevice,
  kernel: Kernel,
  constants: Readonly<Record<string, number>>,
): Promise<Compiled> {
  const layout = device.createBindGroupLayout({
    label: kernel.name,
    entries: layoutEntries(kernel),
  });
  const module = device.createShaderModule({ label: kernel.name, code: kernel.wgsl });
  try {
    const pipeline = await device.createComputePipelineAsync({
      label: `${kernel.name} ${kernel.entryPoint}`,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: kernel.entryPoint, constants },
    });
    return { pipeline, layout };
  } catch (error) {
    throw new ShaderError(await explain(module, kernel, error));
  }
}

function layoutEntries(kernel: Kernel): GPUBindGroupLayoutEntry[] {
  const visibility = GPUShaderStage.COMPUTE;
  const uniforms = [kernel.paramsBinding, kernel.liveBinding].filter((n) => n !== undefined);
  return [
    ...uniforms.map((binding) => ({ binding, visibility, buffer: { type: 'uniform' as const } })),
    ...[...kernel.bindings].map(([name, binding]) => ({
      binding,
      visibility,
      buffer: {
        type:
          kernel.buffers[name] === 'read' ? ('read-only-storage' as const) : ('storage' as const),
      },
    })),
  ];
}

async function explain(module: GPUShaderModule, kernel: Kernel, error: unknown): Promise<string> {
  const { messages } = await module.getCompilationInfo();
  const lines = kernel.wgsl.split('\n');
  const words = messages
    .filter((message) => message.type === 'error')
    .map(({ lineNum, message }) => `line ${lineNum}: ${message}\n  ${lines[lineNum - 1] ?? ''}`);
  const reason = error instanceof Error ? error.message : String(error);
  return [
    `${kernel.name} ${kernel.entryPoint} did not compile`,
    ...(words.length ? words : [reason]),
  ].join('\n');
}
