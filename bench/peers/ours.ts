/** @file Our engine as a contender: the recorded step of `denseStep`, and the product that `linear` would take. */
import type { Batch } from '@/engine/data/batch';
import { openDevice } from '@/engine/gpu/device';
import { nodeGpu } from '@/engine/node';
import { denseStep } from '../denseStep';
import { productRunner } from '../productRunner';
import type { StepRun } from '../stepRun';
import { serve } from './serve.mjs';

const open = await openDevice(nodeGpu());
let dense: { run: StepRun; batch: Batch } | undefined;

serve({
  async prepare(shape) {
    dense?.run.destroy();
    dense = await denseStep(open, shape);
  },
  async step() {
    const { numbers } = await dense!.run.step(dense!.batch);
    return numbers.crossEntropy;
  },
  async split() {
    return dense!.run.split(dense!.batch);
  },
  product: (product) => productRunner(open, product),
});
