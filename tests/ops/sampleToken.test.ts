import { expect, it } from 'vitest';
import { sampleToken, samplingFields } from '@/engine/ops/sampleToken';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

async function sampler(V: number, logits: ArrayLike<number>, text: number[]) {
  const bench = lab.bench();
  const live = bench.live.block('sampling', samplingFields);
  const textAt = bench.tensor([text.length], text, 'u32');
  const token = bench.tensor([1], [0], 'u32');
  live.set({ position: text.length, promptLength: 0, random: 0, inverseTemperature: 0 });
  sampleToken(bench.tape, bench.tensor([1, V], logits), textAt, token, live);
  const program = await bench.run();
  return async (values: {
    position: number;
    promptLength: number;
    random: number;
    inverseTemperature: number;
  }) => {
    live.set(values);
    bench.live.flush(bench.device.queue);
    program.run();
    return { token: (await bench.read(token))[0], text: [...(await bench.read(textAt))] };
  };
}

it('takes the likeliest token at temperature 0, the lowest id among equals', async () => {
  const draw = await sampler(5, [1, 3, 2, 3, 0], [9, 0, 0]);
  const drawn = await draw({ position: 0, promptLength: 1, random: 0.9, inverseTemperature: 0 });
  expect(drawn).toEqual({ token: 1, text: [9, 1, 0] });
});

it('hands the prompt on and draws nothing inside it, nor past the end of the text', async () => {
  const draw = await sampler(5, [9, 0, 0, 0, 0], [4, 3, 2]);
  expect(await draw({ position: 1, promptLength: 3, random: 0.5, inverseTemperature: 1 })).toEqual({
    token: 2,
    text: [4, 3, 2],
  });
  expect(
    (await draw({ position: 2, promptLength: 3, random: 0.5, inverseTemperature: 1 })).text,
  ).toEqual([4, 3, 2]);
});

it.each([3, 256, 1000])('inverts the cumulative softmax over %i tokens', async (V) => {
  const logits = noise(V, 1, 4);
  const temperature = 0.7;
  const shares = [...logits].map((l) => Math.exp(l / temperature));
  const total = shares.reduce((a, b) => a + b, 0);
  const draw = await sampler(V, logits, [0, 0]);
  for (const random of [0, 0.01, 0.2, 0.5, 0.77, 0.99, 0.9999]) {
    const { token } = await draw({
      position: 0,
      promptLength: 1,
      random,
      inverseTemperature: 1 / temperature,
    });
    // float32 sums may fall on either side of a border: accept the token whose stretch holds `random`, widened a little
    const before = shares.slice(0, token).reduce((a, b) => a + b, 0) / total;
    expect(random).toBeGreaterThan(before - 1e-5);
    expect(random).toBeLessThan(before + shares[token!]! / total + 1e-5);
  }
});
