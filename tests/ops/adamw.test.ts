import { describe, expect, it } from 'vitest';
import { adamw, adamwLive } from '@/engine/ops/adamw';
import { biasCorrection } from '@/engine/optim/biasCorrection';
import { adamw as reference } from '../reference/adamw';
import { expectClose } from '../support/close';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

// eps and decay large, so that a kernel that forgets them is caught; betas exact in float32
const RATES = { lr: 0.25, beta1: 0.875, beta2: 0.75, eps: 0.125, weightDecay: 0.5 };
const lab = openLab();

function start(N: number) {
  return {
    weights: noise(N, 1, 2),
    gradients: noise(N, 2, 3),
    moment1: noise(N, 3),
    moment2: noise(N, 4).map(Math.abs),
  };
}

function record(N: number, values: ReturnType<typeof start>, clipValues: readonly number[]) {
  const bench = lab.bench();
  const live = bench.live.block('adamw', adamwLive);
  const tensors = {
    weights: bench.tensor([N], values.weights),
    gradients: bench.tensor([N], values.gradients),
    moment1: bench.tensor([N], values.moment1),
    moment2: bench.tensor([N], values.moment2),
    clip: bench.tensor([4], clipValues),
  };
  adamw(bench.tape, tensors, live);
  const setStep = (step: number) =>
    live.set({
      ...RATES,
      correction1: biasCorrection(RATES.beta1, step),
      correction2: biasCorrection(RATES.beta2, step),
    });
  return { bench, tensors, setStep };
}

describe('adamw', () => {
  // one element; off the vec4 grid; off the workgroup grid; more than one dispatch axis holds in vec4s
  it.each([1, 3, 66, 1021, 300_003])(
    'equals the float64 reference over three steps, N=%i',
    async (N) => {
      const values = start(N);
      const { bench, tensors, setStep } = record(N, values, [0, 0.375, 0, 0]);
      setStep(0);
      const program = await bench.run();
      for (const step of [1, 2]) {
        setStep(step);
        bench.live.flush(bench.device.queue);
        program.run();
      }
      for (const step of [0, 1, 2]) reference(values, values.gradients, 0.375, RATES, step);
      for (const name of ['weights', 'moment1', 'moment2'] as const) {
        const tolerance = { rtol: 2e-6, atol: 5e-7 };
        expectClose(await bench.read(tensors[name]), values[name], tolerance, name);
      }
    },
  );

  it('moves the first step from fresh moments by about the rate, whatever the gradient', async () => {
    const values = start(64);
    values.moment1.fill(0);
    values.moment2.fill(0);
    const before = values.weights.slice();
    const { bench, tensors } = record(64, values, [0, 1, 0, 0]);
    const [block] = bench.tape.dispatches;
    const rates = { lr: 1e-2, beta1: 0.9, beta2: 0.99999, eps: 1e-12, weightDecay: 0 };
    const correction2 = biasCorrection(rates.beta2, 0);
    block!.live!.set({ ...rates, correction1: biasCorrection(rates.beta1, 0), correction2 });
    await bench.run();
    const want = before.map((w, i) => w - rates.lr * Math.sign(values.gradients[i]!));
    expectClose(await bench.read(tensors.weights), want, { rtol: 2e-7, atol: 2e-8 });
  });

  it('leaves weights and moments untouched while the run is halted', async () => {
    const values = start(101);
    values.gradients.fill(Number.NaN);
    const { bench, tensors, setStep } = record(101, values, [Number.NaN, 0, 1, 0]);
    setStep(0);
    await bench.run();
    for (const name of ['weights', 'moment1', 'moment2'] as const)
      expect([...(await bench.read(tensors[name]))]).toEqual([...values[name]]);
  });

  it('names the tensor whose shape is wrong', () => {
    const values = { ...start(8), moment2: noise(7, 1) };
    const bench = lab.bench();
    const live = bench.live.block('adamw', adamwLive);
    const tensors = {
      weights: bench.tensor([8], values.weights),
      gradients: bench.tensor([8], values.gradients),
      moment1: bench.tensor([8], values.moment1),
      moment2: bench.tensor([7], values.moment2),
      clip: bench.tensor([4], []),
    };
    expect(() => adamw(bench.tape, tensors, live)).toThrow('adamw moment2: want [8], got [7]');
  });
});
