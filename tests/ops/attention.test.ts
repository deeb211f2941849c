import { describe, expect, it } from 'vitest';
import { Tape } from '@/engine/gpu/tape';
import { attention } from '@/engine/ops/attention';
import { type AttentionVariantName, attentionVariants } from '@/engine/ops/attention.variants';
import { type AttentionShape, attention as reference } from '../reference/attention';
import { expectClose } from '../support/close';
import { gradient, noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

/** Borders that fall on no multiple of anything. */
const documentsOf = (T: number, S: number) =>
  Uint32Array.from({ length: T }, (_, t) => Math.floor((t % S) / 5));

const shapes: (AttentionShape & { label: string; isGated?: boolean })[] = [
  { label: 'one token', T: 1, S: 1, H: 1, G: 1, C: 4, window: 1, masked: true },
  { label: 'odd channels, window', T: 18, S: 9, H: 3, G: 1, C: 6, window: 4, masked: false },
  { label: 'fours, documents', T: 26, S: 13, H: 4, G: 2, C: 8, window: 13, masked: true },
  { label: 'window longer than the text', T: 14, S: 7, H: 2, G: 2, C: 4, window: 7, masked: false },
  { label: 'window and documents', T: 33, S: 11, H: 2, G: 1, C: 12, window: 3, masked: true },
  { label: 'gate', T: 20, S: 10, H: 4, G: 2, C: 8, window: 6, masked: true, isGated: true },
  {
    label: 'gate, odd channels',
    T: 7,
    S: 7,
    H: 3,
    G: 3,
    C: 5,
    window: 7,
    masked: false,
    isGated: true,
  },
  {
    label: 'sixteen channels',
    T: 22,
    S: 11,
    H: 4,
    G: 2,
    C: 16,
    window: 6,
    masked: true,
    isGated: true,
  },
  { label: 'six heads to two', T: 38, S: 19, H: 6, G: 2, C: 4, window: 10, masked: true },
];
const names = Object.keys(attentionVariants) as AttentionVariantName[];
/** Whether this adapter can run it: subgroups of eight. */
const isOffered = (variant: AttentionVariantName) =>
  variant !== 'subgroup8' || (lab.open().device.adapterInfo.subgroupMinSize ?? 0) >= 8;

/** y * sigmoid(gate) where there is a gate. */
function gated(y: Float64Array, gate: Float64Array | undefined): Float64Array {
  return gate ? y.map((value, i) => value / (1 + Math.exp(-gate[i]!))) : y;
}

/** Outputs and gradients of a shape that is too large for float64 loops. */
async function everything(shape: AttentionShape, variant: AttentionVariantName) {
  const { T, S, H, G, C, window, masked } = shape;
  const bench = lab.bench();
  const [q, k, v] = [H, G, G].map((heads, seed) =>
    bench.parameter([T, heads * C], noise(T * heads * C, seed + 1)),
  );
  const gate = bench.parameter([T, H * C], noise(T * H * C, 5));
  const documents = bench.tensor([T], documentsOf(T, S), 'u32');
  const { y_TH, lse_TH } = attention(bench.tape, q!.value, k!.value, v!.value, documents, {
    sequenceLength: S,
    headCount: H,
    kvHeadCount: G,
    window,
    isMaskedByDocument: masked,
    gate_TH: gate.value,
    variant,
  });
  for (const tensor of [y_TH, lse_TH]) bench.tape.keep(tensor);
  bench.seedGradient(y_TH, noise(T * H * C, 4));
  bench.tape.backward();
  await bench.run();
  const tensors = [y_TH, lse_TH, q!.gradient, k!.gradient, v!.gradient, gate.gradient];
  return Promise.all(tensors.map((tensor) => bench.read(tensor)));
}

describe('attention', () => {
  for (const variant of names) {
    it.each(shapes.filter((shape) => attentionVariants[variant].fits(shape)))(
      `equals float64 loops both ways, ${variant}: $label`,
      async (shape) => {
        if (!isOffered(variant)) return;
        const { T, S, H, G, C, window, masked, isGated } = shape;
        const q = noise(T * H * C, 1, 2);
        const k = noise(T * G * C, 2, 2);
        const v = noise(T * G * C, 3);
        const dy = noise(T * H * C, 4);
        const documents = documentsOf(T, S);
        const gate = isGated ? noise(T * H * C, 5, 3) : undefined;
        const wanted = () => gated(reference(q, k, v, documents, shape), gate);
        const loss = () => wanted().reduce((sum, y, i) => sum + y * dy[i]!, 0);
        const bench = lab.bench();
        const qs = bench.parameter([T, H * C], q);
        const ks = bench.parameter([T, G * C], k);
        const vs = bench.parameter([T, G * C], v);
        const gates = gate && bench.parameter([T, H * C], gate);
        const { y_TH } = attention(
          bench.tape,
          qs.value,
          ks.value,
          vs.value,
          bench.tensor([T], documents, 'u32'),
          {
            sequenceLength: S,
            headCount: H,
            kvHeadCount: G,
            window: window === S ? undefined : window,
            isMaskedByDocument: masked,
            gate_TH: gates?.value,
            variant,
          },
        );
        bench.tape.keep(y_TH);
        bench.seedGradient(y_TH, dy);
        bench.tape.backward();
        await bench.run();
        expectClose(await bench.read(y_TH), wanted(), { rtol: 1e-5, atol: 1e-6 }, 'y');
        const tolerance = { rtol: 1e-4, atol: 2e-5 };
        const plusOne = (g: Float64Array) => g.map((value) => value + 1);
        expectClose(await bench.read(qs.gradient), plusOne(gradient(loss, q)), tolerance, 'dq');
        expectClose(await bench.read(ks.gradient), plusOne(gradient(loss, k)), tolerance, 'dk');
        expectClose(await bench.read(vs.gradient), plusOne(gradient(loss, v)), tolerance, 'dv');
        if (!gates || !gate) return;
        const dgate = plusOne(gradient(loss, gate));
        expectClose(await bench.read(gates.gradient), dgate, tolerance, 'dgate');
      },
    );
  }

  it.each([
    { C: 8, variant: 'rows' },
    { C: 8, variant: 'plain' },
    { C: 6, variant: 'plain' },
    { C: 8, variant: 'subgroup8' },
    { C: 16, variant: 'matrices' },
  ] as const)(
    'gives no gradient at all where every query sees one key: %o',
    async ({ C, variant }) => {
      if (!isOffered(variant)) return;
      const [T, H] = [12, 2];
      const bench = lab.bench();
      const [q, k, v] = [1, 2, 3].map((seed) =>
        bench.parameter([T, H * C], noise(T * H * C, seed, 2), 0),
      );
      const documents = bench.tensor([T], new Uint32Array(T), 'u32');
      const { y_TH } = attention(bench.tape, q!.value, k!.value, v!.value, documents, {
        sequenceLength: T,
        headCount: H,
        kvHeadCount: H,
        window: 1,
        isMaskedByDocument: false,
        variant,
      });
      bench.seedGradient(y_TH, noise(T * H * C, 4));
      bench.tape.backward();
      await bench.run();
      expect([...(await bench.read(q!.gradient))].every((g) => g === 0)).toBe(true);
      expect([...(await bench.read(k!.gradient))].every((g) => g === 0)).toBe(true);
    },
  );

  it.each([
    { T: 74, S: 37, H: 6, G: 2, C: 8, window: 20, masked: true },
    { T: 100, S: 50, H: 2, G: 2, C: 12, window: 50, masked: false },
    { T: 74, S: 37, H: 6, G: 2, C: 16, window: 20, masked: true },
  ])(
    'gives the same bits by rows, by matrices and by subgroups, and in every run: %o',
    async (shape) => {
      const byRow = await everything(shape, 'rows');
      expect(await everything(shape, 'rows')).toEqual(byRow);
      if (shape.C === 16) expect(await everything(shape, 'matrices')).toEqual(byRow);
      if (isOffered('subgroup8')) expect(await everything(shape, 'subgroup8')).toEqual(byRow);
    },
  );

  it('takes what the tuning of its tape says, part by part, where that can do the heads', () => {
    const kernelsWith = (C: number) => {
      const tape = new Tape(({ op, form }) =>
        op === 'attention' && form === 'dkv' ? 'subgroup8' : undefined,
      );
      const [x, documents] = [tape.tensor([8, 2 * C], 'x'), tape.tensor([8], 'documents', 'u32')];
      const options = { sequenceLength: 8, headCount: 2, kvHeadCount: 2, window: undefined };
      const { y_TH } = attention(tape, x, x, x, documents, {
        ...options,
        isMaskedByDocument: false,
      });
      tape.gradientOf(y_TH);
      tape.backward();
      return tape.dispatches.map(({ kernel }) => `${kernel.name} ${kernel.entryPoint}`);
    };
    expect(kernelsWith(8)).toEqual([
      'attention.forward.vec4 main',
      'attention.delta fours',
      'attention.backward.vec4 dq',
      'attention.backward.subgroup dkv',
    ]);
    expect(kernelsWith(128)[3]).toBe('attention.backward.vec4 dkv');
  });

  it('refuses kernels that cannot do the heads', async () => {
    const shape = { T: 4, S: 4, H: 1, G: 1, C: 6, window: 4, masked: false };
    await expect(everything(shape, 'rows')).rejects.toThrow('rows cannot do heads of 6 channels');
  });

  it('stays finite where scores are far beyond what exp can take', async () => {
    const bench = lab.bench();
    const q = bench.tensor([2, 4], [200, 200, 200, 200, -200, 200, -200, 200]);
    const kv = bench.tensor([2, 4], [200, 200, 200, 200, -200, 200, -200, 200]);
    const { y_TH } = attention(bench.tape, q, kv, kv, bench.tensor([2], [0, 0], 'u32'), {
      sequenceLength: 2,
      headCount: 1,
      kvHeadCount: 1,
      window: undefined,
      isMaskedByDocument: false,
    });
    bench.tape.keep(y_TH);
    await bench.run();
    expect([...(await bench.read(y_TH))]).toEqual([200, 200, 200, 200, -200, 200, -200, 200]);
  });
});
