/**
 * @file A whole tiny model whose linear layers and experts read MXFP8, forward and back: its gradients against a
 * float64 graph that rounds at the same places, and nowhere else.
 */
import { afterEach, expect, it } from 'vitest';
import { resolve } from '@/engine/config/experiment';
import type { Settings } from '@/engine/config/settings';
import type { Batch } from '@/engine/data/batch';
import { domainIds } from '@/engine/data/domains';
import { Session } from '@/engine/train/session';
import { attention } from '../reference/attention';
import { combine } from '../reference/combine';
import { dispatch } from '../reference/dispatch';
import { sigmoidGate, swiglu } from '../reference/elementwise';
import { embedding } from '../reference/embedding';
import { Graph, type Variable } from '../reference/graph';
import { permuted } from '../reference/groupedMatmul';
import { rmsNorm } from '../reference/rmsNorm';
import { rope } from '../reference/rope';
import { gates, scores, select } from '../reference/router';
import { relativeError } from '../support/close';
import { download, openLab } from '../support/lab';
import { tinyExperiment } from '../support/trainer';

const lab = openLab();
let session: Session | undefined;
afterEach(() => session?.destroy());

// Forty tokens, widths past 32: every axis has a whole block and a short one.
const [B, S, D] = [2, 20, 40];
const T = B * S;

function settingsWith(linearPrecision: 'f32' | 'mxfp8'): Settings {
  return resolve(
    tinyExperiment({
      model: {
        linearPrecision,
        width: D,
        layerCount: 2,
        denseLayerCount: 1,
        globalEvery: 2,
        denseWidth: 44,
        expertWidth: 36,
        initScale: 1,
      },
      data: { contextLength: S, batchSequences: B, intraDocumentMask: true },
      loss: { zWeight: 0, sequenceBalance: 0 },
    }),
  );
}

const of = (value: (t: number) => number) => Uint32Array.from({ length: T }, (_, t) => value(t));
const batch: Batch = {
  tokens: of((t) => 40 + ((t * t * 7) % 83)),
  targets: of((t) => 40 + ((t * 13 + 5) % 83)),
  documents: of((t) => Math.floor((t % S) / 12)),
  domains: of(() => 0),
};

/** Rows of twice F elements, cut in the middle. */
const halves = (rows: Float64Array, F: number): [Float64Array, Float64Array] => [
  rows.filter((_, i) => i % (2 * F) < F),
  rows.filter((_, i) => i % (2 * F) >= F),
];

/** Gradients of the reference by name of the weight. */
function referenceGradients(
  { model }: Settings,
  values: ReadonlyMap<string, Float64Array>,
  isRounded: boolean,
): Map<string, Float64Array> {
  const graph = new Graph(isRounded);
  const weights = new Map([...values].map(([name, value]) => [name, graph.variable(value)]));
  const at = (name: string): Variable => weights.get(`${name}.weight`)!;
  const norm = (x: Variable, gain: Variable, residual?: Variable) =>
    graph.step([x, gain, ...(residual ? [residual] : [])], (value, gains, base) =>
      rmsNorm(value!, gains!, value!.length / gains!.length, gains!.length, model.normEps, base),
    );
  const { headCount: H, kvHeadCount: G, headWidth: C, expertCount: E, expertsPerToken: K } = model;

  const attended = (x: Variable, layer: number): Variable => {
    const own = (name: string) => at(`model.layers.${layer}.self_attn.${name}`);
    const isGlobal = layer === 1;
    const placed = (y: Variable, width: number) =>
      isGlobal
        ? y
        : graph.step([y], (value) => rope(value!, { width, C, S, base: model.ropeTheta }));
    const pair = (name: string, width: number) => {
      const both = graph.linear(x, own(name), D);
      return [0, 1].map((i) => graph.step([both], (value) => halves(value!, width)[i]!));
    };
    const [queries, gate] = pair('q_gate_proj', H * C) as [Variable, Variable];
    const [keys, v] = pair('k_v_proj', G * C) as [Variable, Variable];
    const q = placed(norm(queries, own('q_norm')), H * C);
    const k = placed(norm(keys, own('k_norm')), G * C);
    const window = isGlobal ? S : model.window;
    const y = graph.step([q, k, v], (qs, ks, vs) =>
      attention(qs!, ks!, vs!, batch.documents, { T, S, H, G, C, window, masked: true }),
    );
    const gated = graph.step([y, gate], (a, b) => sigmoidGate(a!, b!));
    return graph.linear(gated, own('o_proj'), H * C);
  };

  const fed = (x: Variable, prefix: string, F: number): Variable => {
    const both = graph.linear(x, at(`${prefix}.gate_up_proj`), D);
    const hidden = graph.step([both], (value) => swiglu(...halves(value!, F)));
    return graph.linear(hidden, at(`${prefix}.down_proj`), F);
  };

  const mixed = (x: Variable, prefix: string): Variable => {
    const F = model.expertWidth;
    const { scoring, routeScale } = model;
    const shape = { T, E, K, S, routeScale, scoring, isNormalised: model.normalisedGates };
    const logits = graph.linear(x, at(`${prefix}.router.gate`), D, false);
    const selected = select(scores(logits.value, shape), new Float64Array(E), shape);
    const { source, sorted, counts } = dispatch(selected, E);
    const shares = graph.step([logits], (value) => gates(scores(value!, shape), selected, shape));
    const rows = graph.step([x], (value) => {
      const choices = Float64Array.from(
        { length: T * K * D },
        (_, i) => value![Math.floor(i / D / K) * D + (i % D)]!,
      );
      return permuted(choices, source, D);
    });
    const expert = (y: Variable, name: string, sizes: { F: number; D: number }) =>
      graph.experts(y, at(`${prefix}.experts.${name}`), { counts, ...sizes });
    const both = expert(rows, 'gate_up_proj', { F: 2 * F, D });
    const hidden = graph.step([both], (value) => swiglu(...halves(value!, F)));
    const out = expert(hidden, 'down_proj', { F: D, D: F });
    const shared = fed(x, `${prefix}.shared_experts`, F * model.sharedExpertCount);
    return graph.step([out, shares, shared], (value, share, common) =>
      combine(value!, share!, sorted, { T, K, D }, common),
    );
  };

  let x = graph.step([at('model.embed_tokens')], (table) =>
    embedding(batch.tokens, table!, D, Math.sqrt(D)),
  );
  for (let layer = 0; layer < 2; layer++) {
    const gain = (name: string) => at(`model.layers.${layer}.${name}`);
    const heard = attended(norm(x, gain('input_layernorm')), layer);
    x = norm(heard, gain('post_attention_layernorm'), x);
    const u = norm(x, gain('pre_mlp_layernorm'));
    const prefix = `model.layers.${layer}.mlp`;
    const y = layer === 0 ? fed(u, prefix, model.denseWidth) : mixed(u, prefix);
    x = norm(y, gain('post_mlp_layernorm'), x);
  }
  const logits = graph.linear(norm(x, at('model.norm')), at('lm_head'), D, false);
  graph.backward(logits, meanCrossEntropyGradient(logits.value));
  return new Map([...weights].map(([name, { gradient }]) => [name, gradient]));
}

function meanCrossEntropyGradient(logits: Float64Array): Float64Array {
  const V = logits.length / T;
  return Float64Array.from(logits, (logit, i) => {
    const t = Math.floor(i / V);
    const sum = logits.subarray(t * V, (t + 1) * V).reduce((all, l) => all + Math.exp(l), 0);
    return (Math.exp(logit) / sum - Number(batch.targets[t] === i % V)) / T;
  });
}

async function found(settings: Settings) {
  session = await Session.create(lab.open(), settings, domainIds.length);
  const { stepper } = session;
  const { weights } = stepper.state;
  await stepper.start(3);
  const values = new Map<string, Float64Array>();
  for (const { spec, weight } of weights.entries())
    values.set(spec.name, Float64Array.from(await download(lab.open(), weight)));
  await stepper.step({ step: 0, batches: [batch], settings }, {}, 1);
  const gradients = new Map<string, Float64Array>();
  for (const { spec, gradient } of weights.entries())
    gradients.set(spec.name, Float64Array.from(await download(lab.open(), gradient)));
  return { values, gradients };
}

/** Largest relative error over all weights. */
function worst(got: ReadonlyMap<string, Float64Array>, want: ReadonlyMap<string, Float64Array>) {
  const errors = [...want].map(([name, gradient]) => ({
    name,
    error: relativeError(got.get(name)!, gradient),
  }));
  return errors.reduce((most, each) => (each.error <= most.error ? most : each));
}

it('has the gradients of the graph that rounds where its products read', async () => {
  const settings = settingsWith('mxfp8');
  const { values, gradients } = await found(settings);
  const rounded = referenceGradients(settings, values, true);
  // Where float32 and float64 fall on two sides of a half, one number moves by a sixteenth: some 1e-4 of a norm.
  const { error, name } = worst(gradients, rounded);
  expect(error, name).toBeLessThan(5e-3);
});

it('rounds nothing where nothing is asked for', async () => {
  const settings = settingsWith('f32');
  const { values, gradients } = await found(settings);
  const { error, name } = worst(gradients, referenceGradients(settings, values, false));
  expect(error, name).toBeLessThan(1e-5);
});
