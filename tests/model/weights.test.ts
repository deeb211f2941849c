import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolve } from '@/engine/config/experiment';
import type { Settings } from '@/engine/config/settings';
import { Weights } from '@/engine/model/weights';
import { tinyExperiment } from '../support/trainer';

const LIMITS = { maxBufferBytes: 2 ** 28, maxBindingBytes: 2 ** 27 };
const tiny = resolve(tinyExperiment());

function weightsOf(
  optimizer: Partial<Settings['optimizer']> = {},
  model: Partial<Settings['model']> = {},
  limits = LIMITS,
): Weights {
  const settings = {
    ...tiny,
    optimizer: { ...tiny.optimizer, ...optimizer },
    model: { ...tiny.model, ...model },
  };
  return new Weights(settings, limits);
}

/** Names of the weights in each range, and that a range holds whole weights only. */
function rangesOf(weights: Weights): { label: string; names: string[] }[] {
  const muon = weights.muon.map((range) => ({
    label: `muon ${range.group} ${range.rows}x${range.columns}`,
    ...range,
  }));
  const adamw = weights.adamw.map((range) => ({ label: `adamw ${range.group}`, ...range }));
  return [...adamw, ...muon].map(({ label, weights: { place, bytes } }) => {
    const [start, end] = [place!.offset, place!.offset + bytes];
    const inside = [...weights.entries()].filter(
      ({ weight }) =>
        weight.place!.heap === place!.heap && weight.offset < end && weight.offset >= start,
    );
    const last = Math.max(...inside.map(({ weight }) => weight.offset + weight.bytes));
    expect(last, label).toBe(end);
    return { label, names: inside.map(({ spec }) => spec.name) };
  });
}

/** The label of the range that holds a weight. */
const homeOf = (weights: Weights, name: string) =>
  rangesOf(weights).find(({ names }) => names.includes(name))!.label;

const router = 'model.layers.1.mlp.router.gate.weight';
const expert = 'model.layers.1.mlp.experts.gate_up_proj.weight';
const shared = 'model.layers.1.mlp.shared_experts.gate_up_proj.weight';
const embedding = 'model.embed_tokens.weight';
const gain = 'model.layers.2.input_layernorm.weight';
const query = 'model.layers.0.self_attn.q_gate_proj.weight';

describe('Weights', () => {
  it('gives Muon the matrices, AdamW embedding and gains, and the router to whom it is asked', () => {
    const weights = weightsOf();
    const homes = [embedding, gain, query, router].map((name) => homeOf(weights, name));
    expect(homes).toEqual([
      'adamw embedding',
      'adamw gains',
      'muon hidden 16x16',
      'muon hidden 4x16',
    ]);
    expect(homeOf(weightsOf({ routerOptimizer: 'adamw' }), router)).toBe('adamw hidden');
  });

  it('keeps routed experts apart from the shared one, though their matrices have one shape', () => {
    const weights = weightsOf();
    expect(weights.at(shared).shape).toEqual([2, 8, 16]);
    expect(weights.at(expert).shape).toEqual([4, 2, 8, 16]);
    expect(homeOf(weights, expert)).toBe('muon experts 8x16');
    expect(homeOf(weights, shared)).toBe('muon hidden 8x16');
    const range = weights.muon.find(({ group, rows }) => group === 'experts' && rows === 8)!;
    expect(range.count).toBe(3 * 2 * 4); // layers, gate and up, experts
  });

  it('knows an expert also where there is only one, or where every token visits all', () => {
    for (const model of [{ expertCount: 1, expertsPerToken: 1 }, { expertsPerToken: 4 }])
      expect(homeOf(weightsOf({}, model), expert)).toBe('muon experts 8x16');
  });

  it('gives AdamW everything where it is asked for, the router and the experts included', () => {
    const weights = weightsOf({ hidden: 'adamw', routerOptimizer: 'muon' });
    expect(weights.muon).toEqual([]);
    expect(weights.moments2.bytes).toBe(weights.weights.bytes);
    expect(weights.adamw.map(({ group }) => group)).toEqual([
      'embedding',
      'experts',
      'gains',
      'hidden',
    ]);
    const homes = [embedding, gain, query, router, expert, shared].map((n) => homeOf(weights, n));
    expect(homes).toEqual([
      'adamw embedding',
      'adamw gains',
      'adamw hidden',
      'adamw hidden',
      'adamw experts',
      'adamw hidden',
    ]);
  });

  it('puts every weight in exactly one range that fits a binding, in any configuration', () => {
    const configurations = fc.record({
      hidden: fc.constantFrom('muon' as const, 'adamw' as const),
      routerOptimizer: fc.constantFrom('muon' as const, 'adamw' as const),
      expertWidth: fc.integer({ min: 1, max: 20 }),
      expertCount: fc.integer({ min: 2, max: 6 }),
      denseLayerCount: fc.integer({ min: 0, max: 4 }),
      sharedExpertCount: fc.integer({ min: 0, max: 2 }),
      width: fc.integer({ min: 3, max: 40 }),
      maxBindingBytes: fc.integer({ min: 2 ** 16, max: 2 ** 17 }),
      maxBufferBytes: fc.integer({ min: 2 ** 17, max: 2 ** 18 }),
    });
    const property = fc.property(configurations, (any) => {
      const { hidden, routerOptimizer, maxBindingBytes, maxBufferBytes, ...model } = any;
      const limits = { maxBindingBytes, maxBufferBytes };
      const weights = weightsOf({ hidden, routerOptimizer }, model, limits);
      const found = rangesOf(weights).flatMap(({ names }) => names);
      expect(found.sort()).toEqual([...weights.entries()].map(({ spec }) => spec.name).sort());
      for (const range of [...weights.adamw, ...weights.muon])
        expect(range.weights.bytes).toBeLessThanOrEqual(maxBindingBytes);
      for (const { rows, columns, count, weights: flat } of weights.muon)
        expect(rows * columns * count).toBe(flat.length);
    });
    fc.assert(property, { numRuns: 60 });
  });
});
