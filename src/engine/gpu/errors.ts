/** @file The errors that somebody catches. They cross a worker by class name and message. */

/** The browser or host offers no WebGPU at all. */
export class NoWebGpuError extends Error {
  override readonly name = 'NoWebGpuError';
}

/** WebGPU is there, but no adapter: no driver, or one that is blocked. */
export class NoAdapterError extends Error {
  override readonly name = 'NoAdapterError';
}

/** The adapter holds less than a run needs. */
export class LimitError extends Error {
  override readonly name = 'LimitError';
  constructor(
    readonly limit: string,
    readonly need: number,
    readonly have: number,
    what: string,
  ) {
    super(`${what}: ${limit} must be ${need}, this adapter gives ${have}`);
  }
}

/** The driver took the device back. A new adapter can be asked for. */
export class DeviceLostError extends Error {
  override readonly name = 'DeviceLostError';
}

/** The device could not give a buffer that its limits allow. */
export class OutOfMemoryError extends Error {
  override readonly name = 'OutOfMemoryError';
}

/** A shader did not compile: the compiler's words, with the line they speak of. */
export class ShaderError extends Error {
  override readonly name = 'ShaderError';
}

/** A value of a step was not finite: the first tensor in which it showed. */
export class NotFiniteError extends Error {
  override readonly name = 'NotFiniteError';
  constructor(
    message: string,
    readonly tensor: string,
  ) {
    super(message);
  }
}
