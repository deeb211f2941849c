/** @file A GPU whose devices can be lost on purpose and whose calls are counted. */
import { nodeGpu } from '@/engine/node';

const COUNTED = [
  'createBuffer',
  'createBindGroup',
  'createComputePipelineAsync',
  'createShaderModule',
] as const;

export class SpiedGpu {
  readonly devices: GPUDevice[] = [];
  /** Calls by name since the last `forget`; `submit` is the queue's. */
  readonly calls = new Map<string, number>();
  /** Sizes of every buffer made and not destroyed. */
  readonly liveBuffers = new Map<GPUBuffer, number>();

  /** Awaited before a pipeline is made, with its label: compiling takes so long, or fails so. */
  compiling: (label: string) => Promise<void> = async () => {};

  /** Hands out real adapters whose devices are watched. */
  get gpu(): GPU {
    return {
      requestAdapter: async (options?: GPURequestAdapterOptions) => {
        const adapter = await nodeGpu().requestAdapter(options);
        const requestDevice = adapter!.requestDevice.bind(adapter);
        adapter!.requestDevice = async (descriptor) => this.#spied(await requestDevice(descriptor));
        return adapter;
      },
    } as unknown as GPU;
  }

  get liveBytes(): number {
    return [...this.liveBuffers.values()].reduce((a, b) => a + b, 0);
  }

  forget(): void {
    this.calls.clear();
  }

  /** The driver takes the newest device back. */
  lose(): void {
    this.devices.at(-1)!.destroy();
  }

  #count(name: string): void {
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
  }

  #spied(device: GPUDevice): GPUDevice {
    this.devices.push(device);
    for (const name of COUNTED) {
      const call = (device[name] as (...args: unknown[]) => unknown).bind(device);
      Object.assign(device, {
        [name]: (...args: unknown[]) => {
          this.#count(name);
          if (name === 'createComputePipelineAsync') {
            const [{ label }] = args as [GPUComputePipelineDescriptor];
            return this.compiling(label ?? '').then(() => call(...args));
          }
          const made = call(...args);
          if (name === 'createBuffer') this.#track(made as GPUBuffer);
          return made;
        },
      });
    }
    const submit = device.queue.submit.bind(device.queue);
    device.queue.submit = (buffers) => {
      this.#count('submit');
      return submit(buffers);
    };
    return device;
  }

  #track(buffer: GPUBuffer): void {
    this.liveBuffers.set(buffer, buffer.size);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      this.liveBuffers.delete(buffer);
      return destroy();
    };
  }
}
