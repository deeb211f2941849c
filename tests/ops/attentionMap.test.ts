import { it } from 'vitest';
import { attention } from '@/engine/ops/attention';
import { attentionMap, attentionMapFields } from '@/engine/ops/attentionMap';
import { attentionMap as reference } from '../reference/attention';
import { expectClose } from '../support/close';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

it.each([
  { head: 0, sequence: 0, side: 11, window: 11, masked: true },
  { head: 3, sequence: 2, side: 7, window: 4, masked: false },
])(
  'shows the weights of one head of one sequence: %o',
  async ({ head, sequence, side, window, masked }) => {
    const [B, S, H, G, C] = [3, 11, 4, 2, 6];
    const T = B * S;
    const q = noise(T * H * C, 1, 2);
    const k = noise(T * G * C, 2, 2);
    const documents = Uint32Array.from({ length: T }, (_, t) => Math.floor((t % S) / 4));
    const bench = lab.bench();
    const live = bench.live.block('map', attentionMapFields);
    live.set({ head, sequence });
    const inputs = {
      q_TH: bench.tensor([T, H * C], q),
      k_TG: bench.tensor([T, G * C], k),
      documents_T: bench.tensor([T], documents, 'u32'),
    };
    const options = {
      sequenceLength: S,
      headCount: H,
      kvHeadCount: G,
      window,
      isMaskedByDocument: masked,
    };
    const v = bench.tensor([T, G * C], noise(T * G * C, 3));
    const { lse_TH } = attention(
      bench.tape,
      inputs.q_TH,
      inputs.k_TG,
      v,
      inputs.documents_T,
      options,
    );
    const map = bench.tensor([side, side], new Float32Array(side * side).fill(7));
    attentionMap(bench.tape, { ...inputs, lse_TH }, map, options, live);
    await bench.run();
    const whole = reference(q, k, documents, head, { T, S, H, G, C, window, masked });
    const first = sequence * S;
    const want = Array.from({ length: side * side }, (_, i) => {
      const [row, column] = [first + Math.floor(i / side), first + (i % side)];
      return whole[row * T + column]!;
    });
    expectClose(await bench.read(map), want, { rtol: 2e-5, atol: 1e-7 });
  },
);
