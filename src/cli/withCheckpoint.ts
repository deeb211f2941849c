/** @file What `eval` and `generate` share: a checkpoint on the device, asked without training. */
import type { CheckpointFiles } from '@/engine/index';
import { tuningsOf } from './autotune';
import { type ExitCode, exitCodes, type Input } from './command';
import { Driver } from './driver';
import type { Host } from './host';
import { Progress } from './progress';

/** Loads a checkpoint, lets `work` ask the driver, and frees the device. An interruption drops the work. */
export async function withCheckpoint(
  files: CheckpointFiles,
  { input, host }: { readonly input: Input; readonly host: Host },
  work: (driver: Driver) => Promise<ExitCode>,
): Promise<ExitCode> {
  const progress = new Progress(host.stderr, undefined);
  await host.prepareAdapter();
  const { nodeGpu } = await import('@/engine/node');
  const driver = new Driver(nodeGpu(), host, tuningsOf(input, host), (event, data) => {
    if (event === 'phase') progress.told(event, data);
  });
  const interrupted = new Promise<ExitCode>((resolve) => {
    const stop = () => resolve(exitCodes.interrupted);
    if (host.interrupted.aborted) stop();
    else host.interrupted.addEventListener('abort', stop);
  });
  try {
    await driver.load(files);
    progress.close();
    return await Promise.race([work(driver), interrupted]);
  } finally {
    await driver.trainer.close();
    progress.close();
  }
}
