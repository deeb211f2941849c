import { describe, expect, it } from 'vitest';
import { countParameters, parameterSpecs } from '@/engine/model/parameters';
import { denseSettings, denseStep } from '../../bench/denseStep';
import { parameterShapes, problem } from '../../bench/peers/problem.mjs';
import { openLab } from '../support/lab';

const lab = openLab();
const shape = { V: 11, D: 8, L: 2, H: 2, F: 12, S: 6, B: 2 };

/** The problem in float64: the loss of its weights, written down once more and read beside the engine's. */
function loss(): number {
  const { V, D, L, H, F, S, B } = shape;
  const { weights, inputs, targets } = problem(shape);
  const C = D / H;
  const product = (x: number[], name: string, to: number) =>
    Array.from({ length: to }, (_, n) =>
      x.reduce((sum, value, k) => sum + value * weights[name]![k * to + n]!, 0),
    );
  const norm = (x: number[]) => {
    const size = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / D + 1e-5);
    return x.map((v) => v / size);
  };
  const plus = (x: number[], y: number[]) => x.map((v, i) => v + y[i]!);
  let total = 0;
  for (let b = 0; b < B; b++) {
    let rows = Array.from({ length: S }, (_, s) => {
      const token = inputs[b * S + s]!;
      return [...weights['embed']!.subarray(token * D, (token + 1) * D)];
    });
    for (let l = 0; l < L; l++) {
      const [q, k, v] = ['q', 'k', 'v'].map((name) =>
        rows.map((x) => product(norm(x), `${name}${l}`, D)),
      );
      rows = rows.map((x, s) => {
        const mixed: number[] = [];
        for (let h = 0; h < H; h++) {
          const part = (r: number[]) => r.slice(h * C, (h + 1) * C);
          const dots = k!.slice(0, s + 1).map((key) => {
            const [a, other] = [part(q![s]!), part(key)];
            return Math.exp(a.reduce((sum, value, c) => sum + value * other[c]!, 0) / Math.sqrt(C));
          });
          const sum = dots.reduce((a, e) => a + e, 0);
          for (let c = 0; c < C; c++) {
            mixed.push(dots.reduce((a, e, t) => a + (e / sum) * v![t]![h * C + c]!, 0));
          }
        }
        return plus(x, product(mixed, `o${l}`, D));
      });
      rows = rows.map((x) => {
        const gate = product(norm(x), `gate${l}`, F).map((g) => g / (1 + Math.exp(-g)));
        const up = product(norm(x), `up${l}`, F);
        return plus(
          x,
          product(
            gate.map((g, i) => g * up[i]!),
            `down${l}`,
            D,
          ),
        );
      });
    }
    rows.forEach((x, s) => {
      const logits = product(norm(x), 'head', V);
      const lse = Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0));
      total += lse - logits[targets[b * S + s]!]!;
    });
  }
  return total / (B * S);
}

describe("the peers' problem in our engine", () => {
  it('has the weights of the problem and no others', () => {
    const { model } = denseSettings(shape);
    const sizes = Object.values(parameterShapes(shape)).map((dims) => dims.reduce((a, n) => a * n));
    const names = parameterSpecs(model).flatMap(({ name, stack = [name] }) => stack);
    expect(names).toHaveLength(sizes.length);
    expect(countParameters(model).total).toBe(sizes.reduce((a, n) => a + n, 0));
  });

  it('starts at the loss of the problem, and one step of Adam lowers it', async () => {
    const { run, batch } = await denseStep(lab.open(), shape);
    const first = (await run.step(batch)).numbers.crossEntropy;
    const second = (await run.step(batch)).numbers.crossEntropy;
    run.destroy();
    expect(Math.abs(first - loss())).toBeLessThan(2e-6);
    expect(second).toBeLessThan(first);
  });

  it('says what a step costs: encoding inside the whole, every dispatch in the split', async () => {
    const { run, batch } = await denseStep(lab.open(), shape);
    const { ms, encodeMs } = await run.step(batch);
    expect(encodeMs).toBeGreaterThan(0);
    expect(encodeMs).toBeLessThanOrEqual(ms);
    const split = await run.split(batch);
    const { microBatch, update } = run.stepper.programs;
    const always = [...microBatch.actions, ...update.actions].filter(
      ({ section }) => section === undefined,
    );
    expect(split!.reduce((sum, { calls }) => sum + calls, 0)).toBe(always.length);
    run.destroy();
  });
});
