/** @file The only adapter request: features, limits, and one place that hears of loss and errors. */
import { DeviceLostError, LimitError, NoAdapterError, OutOfMemoryError } from './errors';
import { MATRICES_FEATURE, offersMatrices, readsMatrices } from './subgroupMatrices';

/** What the engine cannot do without. Everything else is taken where the adapter offers it. */
const REQUIRED = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupStorageSize: 16_384,
} as const;

const WANTED_FEATURES: readonly GPUFeatureName[] = [
  'timestamp-query',
  'subgroups',
  'shader-f16',
  MATRICES_FEATURE,
];

/** An open device with what is known of its adapter. */
export interface OpenDevice {
  readonly device: GPUDevice;
  readonly info: AdapterInfo;
  /** Invocations of its smallest subgroups; 0 where kernels cannot use subgroups. */
  readonly subgroupSize: number;
  /** Kernels may multiply f32 matrices of 8 x 8 by subgroups of 32; how the adapter sums is not said. */
  readonly hasSubgroupMatrices: boolean;
  /** Resolves with the reason when the driver takes the device back; never on `close`. */
  readonly lost: Promise<DeviceLostError>;
  /** It is gone, or it complained: a new run should open another one. */
  readonly isSpent: boolean;
  /** Throws what the device complained about since the last call. */
  check(): void;
  /** Waits until all submitted work is done; throws DeviceLostError where the device goes first. */
  idle(): Promise<void>;
  close(): void;
}

export interface AdapterInfo {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly isSoftware: boolean;
}

/**
 * Opens the adapter with the largest limits that it offers.
 * @throws {NoAdapterError} when there is none, {LimitError} when it is too small.
 */
export async function openDevice(gpu: GPU): Promise<OpenDevice> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new NoAdapterError('WebGPU gave no adapter: no graphics driver, or one that is blocked.');
  }
  for (const [limit, need] of Object.entries(REQUIRED)) {
    const have = adapter.limits[limit as keyof typeof REQUIRED];
    if (have < need) throw new LimitError(limit, need, have, 'The engine');
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: WANTED_FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits: { ...REQUIRED, maxBufferSize, maxStorageBufferBindingSize },
  });
  return watched(device, adapterInfo(adapter), {
    subgroupSize: subgroupSize(adapter),
    hasSubgroupMatrices: offersMatrices(adapter) && (await readsMatrices(device)),
  });
}

function adapterInfo({ info }: GPUAdapter): AdapterInfo {
  const words = [info.description, info.device, info.architecture, info.vendor].join(' ');
  return {
    name:
      info.description || [info.vendor, info.architecture].filter(Boolean).join(' ') || 'adapter',
    vendor: info.vendor,
    architecture: info.architecture,
    isSoftware:
      info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|warp|basic render/i.test(words),
  };
}

/** Some adapters have the feature and do not tell a size. */
const subgroupSize = ({ features, info }: GPUAdapter): number =>
  features.has('subgroups') ? (info.subgroupMinSize ?? 0) : 0;

function watched(
  device: GPUDevice,
  info: AdapterInfo,
  can: Pick<OpenDevice, 'subgroupSize' | 'hasSubgroupMatrices'>,
): OpenDevice {
  const complaints: Error[] = [];
  let isClosed = false;
  device.addEventListener('uncapturederror', ({ error }) => {
    complaints.push(
      error instanceof GPUOutOfMemoryError
        ? new OutOfMemoryError(error.message)
        : new Error(error.message),
    );
  });
  const lost = new Promise<DeviceLostError>((resolve) => {
    void device.lost.then(({ message, reason }) => {
      if (isClosed) return;
      const error = new DeviceLostError(message || `reason: ${reason}`);
      complaints.push(error);
      resolve(error);
    });
  });
  const check = () => {
    const first = complaints.find((e) => e instanceof DeviceLostError) ?? complaints[0];
    if (first) throw first;
  };
  return {
    device,
    info,
    ...can,
    lost,
    get isSpent() {
      return isClosed || complaints.length > 0;
    },
    check,
    async idle() {
      await Promise.race([device.queue.onSubmittedWorkDone(), lost]);
      check();
    },
    close() {
      isClosed = true;
      device.destroy();
    },
  };
}
