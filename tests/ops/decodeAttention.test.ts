import { expect, it } from 'vitest';
import { decodeAttention } from '@/engine/ops/decodeAttention';
import { positionFields } from '@/engine/ops/headNormRope';
import { attention } from '../reference/attention';
import { rmsNorm } from '../reference/rmsNorm';
import { expectClose } from '../support/close';
import { noise } from '../support/gradient';
import { openLab } from '../support/lab';

const lab = openLab();

// fewer keys than a chunk; several chunks; a ring that wraps; heads wider than the workgroup
// keys normed when they are read; a window shorter than the ring, as where a global layer shares it
it.each([
  { H: 4, G: 2, C: 8, ring: 30, length: 25, isNormed: true },
  { H: 2, G: 1, C: 4, ring: 100, length: 90, window: 5 },
  { H: 2, G: 1, C: 6, ring: 12, length: 30, window: 7, isNormed: true },
  { H: 1, G: 1, C: 4, ring: 9, length: 5 },
  { H: 4, G: 2, C: 6, ring: 150, length: 140 },
  { H: 2, G: 1, C: 8, ring: 7, length: 23 },
  { H: 2, G: 2, C: 130, ring: 10, length: 3 },
])(
  'token after token equals attention over the whole text: %o',
  async ({ H, G, C, ring, length, window, isNormed = false }) => {
    const q = noise(length * H * C, 1);
    const k = noise(length * G * C, 2);
    const v = noise(length * G * C, 3);
    const shape = { T: length, S: length, H, G, C, window: window ?? ring, masked: false };
    const gain = noise(C, 4);
    const normed = isNormed ? rmsNorm(k, gain, length * G, C, 1e-3) : k;
    const want = attention(q, normed, v, new Uint32Array(length), shape);
    const bench = lab.bench();
    const position = bench.live.block('position', positionFields);
    const qAt = bench.tensor([1, H * C], []);
    const kAt = bench.tensor([1, G * C], []);
    const vAt = bench.tensor([1, G * C], []);
    const caches = {
      kCache: bench.tensor([ring, G * C], []),
      vCache: bench.tensor([ring, G * C], []),
    };
    const y = bench.tape.keep(
      decodeAttention(
        bench.tape,
        qAt,
        { k_G: kAt, v_G: vAt },
        {
          headCount: H,
          kvHeadCount: G,
          ...caches,
          keyNorm: isNormed ? { gain_C: bench.tensor([C], gain), eps: 1e-3 } : undefined,
          window,
          position,
        },
      ),
    );
    const program = await bench.run();
    const row = (x: Float64Array, t: number, width: number) =>
      Float32Array.from(x.slice(t * width, (t + 1) * width));
    const got: number[] = [];
    for (let t = 0; t < length; t++) {
      bench.write(qAt, row(q, t, H * C));
      bench.write(kAt, row(k, t, G * C));
      bench.write(vAt, row(v, t, G * C));
      position.set({ offset: t });
      bench.live.flush(bench.device.queue);
      program.run();
      got.push(...(await bench.read(y)));
    }
    expect(got.length).toBe(want.length);
    expectClose(got, want, { rtol: 1e-5, atol: 2e-6 });
  },
);
