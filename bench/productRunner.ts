/** @file Our product of two matrices, to be run beside another library's. */
import { submitRepeats } from '@/engine/gpu/clock';
import type { OpenDevice } from '@/engine/gpu/device';
import { Readback } from '@/engine/gpu/readback';
import type { Tensor } from '@/engine/gpu/tensor';
import { tunedBy } from '@/engine/gpu/tuning';
import { matmul } from '@/engine/ops/matmul';
import { questionsOf } from '@/engine/tune/autotune';
import { type Product, productInputs } from './peers/problem.mjs';
import { tableOf } from './tuning';
import { Workbench } from './workbench';

/** Takes the kernel that the engine would choose for these sizes on this device. */
export async function productRunner(open: OpenDevice, product: Product) {
  const { form, M, N, K } = product;
  const { a, aSides, b, bSides } = productInputs(product);
  const record = (bench: Pick<Workbench, 'tape' | 'tensor'>): Tensor => {
    const c = bench.tensor([M, N]);
    const into = { tensor: c, add: 0 } as const;
    const inputs = { a: bench.tensor(aSides, 'f32', a), b: bench.tensor(bSides, 'f32', b) };
    matmul(bench.tape, { form, ...inputs, into, M, N, K });
    return c;
  };
  const questions = questionsOf((tuning) => void record(new Workbench(open, tuning)));
  const bench = new Workbench(open, tunedBy(await tableOf(open, questions)));
  const c = record(bench);
  const timed = await bench.ready();
  return {
    async run(repeats: number): Promise<void> {
      submitRepeats(timed, repeats);
      await open.idle();
    },
    async sample(): Promise<ArrayLike<number>> {
      const readback = new Readback(open.device, c.bytes, 1);
      const encoder = open.device.createCommandEncoder();
      const shipment = readback.ship(encoder, [c]);
      open.device.queue.submit([encoder.finish()]);
      const [values] = await shipment.arrive();
      readback.destroy();
      return values!.slice(0, N);
    },
    free: () => bench.destroy(),
  };
}
