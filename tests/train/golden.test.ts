/**
 * @file Whole models and their training steps, replayed, against PyTorch in float64. Relative error norm a tensor:
 * logits, scores, gates and biases 1e-5, gradients 1e-4, movement of the weights 1e-3; expert ids and counts exact.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { type ReplayOutcome, replay } from '@/engine/train/replay';
import { relativeError } from '../support/close';
import { type Golden, goldenNames, readGolden } from '../support/golden';
import { openLab } from '../support/lab';

const lab = openLab();

describe.each(goldenNames)('%s', (name) => {
  let golden: Golden;
  let outcome: ReplayOutcome;
  beforeAll(async () => {
    golden = readGolden(name);
    outcome = await replay(lab.open(), golden.folder);
  });

  const names = (...prefixes: string[]) =>
    [...golden.expected.keys()].filter((key) => prefixes.some((prefix) => key.startsWith(prefix)));

  /** The tensor of these that is farthest off, by relative error norm. */
  function worstOf(keys: readonly string[], originOf: (key: string) => Float32Array | undefined) {
    let worst = { error: 0, key: '' };
    for (const key of keys) {
      const got = outcome.tensors.get(key)!.values as Float32Array;
      const error = relativeError(got, golden.expected.get(key)!, originOf(key));
      if (!(error <= worst.error)) worst = { error, key };
    }
    return worst;
  }

  it('tells every tensor of the oracle and no other', () => {
    const { expected } = golden;
    expect([...outcome.tensors.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [key, { shape, values }] of outcome.tensors) {
      expect(
        shape.reduce((a, b) => a * b, 1),
        key,
      ).toBe(values.length);
      expect(values.length, key).toBe(expected.get(key)!.length);
    }
  });

  it('chooses the same experts, the best first', () => {
    for (const key of names('selected_experts/', 'expert_counts/')) {
      expect([...outcome.tensors.get(key)!.values], key).toEqual([...golden.expected.get(key)!]);
    }
  });

  it.each([
    ['logits, scores, gates', ['logits', 'router_scores/', 'gates/'], 1e-5],
    ['gradients', ['grad/'], 1e-4],
    ['biases and their momentum', ['expert_bias/', 'bias_momentum/'], 1e-5],
  ])('%s', (_, prefixes, tolerance) => {
    const { error, key } = worstOf(names(...prefixes), () => undefined);
    expect(error, key).toBeLessThan(tolerance);
  });

  it('how far every weight moved', () => {
    const { error, key } = worstOf(names('param/'), (param) =>
      golden.initial.get(param.split('/').slice(2).join('/')),
    );
    expect(error, key).toBeLessThan(1e-3);
  });

  it('the numbers of each step', () => {
    expect(outcome.steps).toHaveLength(golden.steps.length);
    golden.steps.forEach((want, index) => {
      const got = outcome.steps[index]!;
      expect(got.expert_counts).toEqual(want.expert_counts);
      expectClose(got.loss, want.loss);
      expectClose(got.lr, want.lr);
      expectClose(got.max_vio, want.max_vio);
      expectClose(
        { norm: got.grad_norm, clip: got.clip_scale },
        { norm: want.grad_norm, clip: want.clip_scale },
      );
    });
  });
});

/** The same entries, each within 1e-5: float32 sums of some hundred terms. */
function expectClose(got: object, want: object): void {
  expect(Object.keys(got).sort()).toEqual(Object.keys(want).sort());
  for (const [name, wanted] of Object.entries(want)) {
    const value = (got as Record<string, number>)[name]!;
    const error = Math.abs(value - wanted) / Math.max(Math.abs(wanted), 1e-9);
    expect(error, `${name}: ${value}, want ${wanted}`).toBeLessThan(1e-5);
  }
}
