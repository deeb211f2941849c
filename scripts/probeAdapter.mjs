/**
 * @file Asks Dawn for an adapter and writes what came as JSON. A process of its own, since Dawn reads
 * the variables that name a driver only once, and a broken driver may take the process with it.
 */
import { create } from 'webgpu';

const gpu = create([]);
const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
const info = adapter && {
  name: adapter.info.description || adapter.info.device,
  isSoftware: adapter.info.isFallbackAdapter,
};
process.stdout.write(`\n${JSON.stringify(info)}\n`);
