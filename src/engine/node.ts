/** @file Dawn in Node: the engine's device without a browser. The only file that names the `webgpu` package. */
import { create, globals } from 'webgpu';

// Dawn aborts the process when this object is collected, so it lives as long as the module.
let gpu: GPU | undefined;

/**
 * WebGPU of this process. `VK_DRIVER_FILES` in the environment chooses the Vulkan driver.
 * Adds the WebGPU constants (GPUBufferUsage, …) to the global object, as a browser has them.
 */
export function nodeGpu(): GPU {
  if (!gpu) {
    Object.assign(globalThis, globals);
    gpu = create([]) as GPU;
  }
  return gpu;
}
