/** @file Bytes of a whole run with its probes: what the plan says and what the device was asked for. */
import { resolve } from '@/engine/config/experiment';
import { memoryLimits } from '@/engine/gpu/arena';
import type { OpenDevice } from '@/engine/gpu/device';
import { planRun } from '@/engine/train/assembly';
import { Session } from '@/engine/train/session';
import { DOMAINS } from './stepRun';

export interface MemoryResult {
  readonly name: string;
  readonly planned: number;
  readonly measured: number;
}

/** Presets whose buffers are made; larger ones are planned for graphics cards. */
export const memoryPresets = ['micro', 'small'] as const;

/** Builds a run of the preset and adds up its buffers. */
export async function memoryOf(open: OpenDevice, preset: string): Promise<MemoryResult> {
  const settings = resolve({ preset, changes: {}, timeline: [] });
  const { total } = planRun(settings, memoryLimits(open.device), DOMAINS).bytes;
  const meter = counted(open.device);
  const session = await Session.create(open, settings, DOMAINS);
  const measured = meter.stop();
  session.destroy();
  return { name: `memory ${preset}`, planned: total, measured };
}

/** Adds up the sizes of all buffers that the device makes until `stop`. */
function counted(device: GPUDevice): { stop(): number } {
  const create = device.createBuffer.bind(device);
  let bytes = 0;
  device.createBuffer = (descriptor) => {
    bytes += descriptor.size;
    return create(descriptor);
  };
  return {
    stop() {
      device.createBuffer = create;
      return bytes;
    },
  };
}
