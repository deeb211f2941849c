/** @file Joined dispatches: what may be joined, and that every part does what it would do alone. */
import { describe, expect, it } from 'vitest';
import { defineKernel } from '@/engine/gpu/kernel';
import { LiveScalars } from '@/engine/gpu/live';
import { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { fixedTuning, JOINED, joiningQuestion, type Tuning } from '@/engine/gpu/tuning';
import { workOf } from '@/engine/gpu/work';
import { matmul } from '@/engine/ops/matmul';
import type { MatmulVariant } from '@/engine/ops/matmul.variants';
import { openLab } from '../support/lab';

const lab = openLab();
const joining: Tuning = ({ op }) => (op === joiningQuestion.op ? JOINED : undefined);

/** Where a thread stands, eight numbers of each in the order of threads. */
const placeWgsl = `
struct Params {
  X: u32,
  Y: u32,
  tag: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@group(0) @binding(2) var<storage, read> nobody: array<f32>;

const THREADS = 32u;
override WIDE = 8u;
const TALL = 4u;
var<workgroup> first: array<u32, TALL>;

fn tagged(value: u32) -> u32 { return 100u * params.tag + value; }

@compute @workgroup_size(WIDE, TALL)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  if (local.x == 0u) { first[local.y] = tagged(local.y); }
  workgroupBarrier();
  let threads = WIDE * TALL;
  let at = 8u * (((group.z * params.Y + group.y) * params.X + group.x) * threads + index);
  out[at] = first[local.y];
  out[at + 1u] = id.x;
  out[at + 2u] = id.y;
  out[at + 3u] = id.z;
  out[at + 4u] = groups.x;
  out[at + 5u] = groups.y;
  out[at + 6u] = groups.z;
  out[at + 7u] = local.x;
}

@compute @workgroup_size(WIDE, TALL)
fn other() { out[0] = u32(nobody[0]); }
`;
const place = defineKernel({
  name: 'place',
  wgsl: placeWgsl,
  entryPoint: 'main',
  buffers: { out: 'read_write' },
  params: { X: 'u32', Y: 'u32', tag: 'u32' },
});

/** out = in + the live number, element by element. */
const shiftKernel = (threads: number) =>
  defineKernel({
    name: `shift${threads}`,
    wgsl: `
struct Params {
  N: u32,
}

struct Live {
  by: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> x_N: array<f32>;
@group(0) @binding(3) var<storage, read_write> y_N: array<f32>;

const THREADS = ${threads}u;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.N) { y_N[id.x] = x_N[id.x] + live.by; }
}
`,
    entryPoint: 'main',
    buffers: { x_N: 'read', y_N: 'read_write' },
    params: { N: 'u32' },
    live: { by: 'f32' },
  });
const shift = shiftKernel(64);
const narrowShift = shiftKernel(32);

const N = 100;
const live = new LiveScalars().block('shift', { by: 'f32' });

/** A tape that joins, and tensors to shift between. */
function recording(tuning = joining) {
  const tape = new Tape(tuning);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((label) => tape.tensor([N], label)) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const move = (x_N: Tensor, y_N: Tensor, kernel = shift, by = live) =>
    tape.dispatch(kernel, { x_N, y_N }, { N }, 2, { live: by });
  const sizes = () => tape.dispatches.map(({ parts = [0] }) => parts.length);
  return { tape, a, b, c, d, move, sizes };
}

describe('parts of one dispatch', () => {
  it.each([8, 16])(
    'stand where they would stand alone, and share no workgroup memory: %i threads wide',
    async (WIDE) => {
      const values = await Promise.all(
        [fixedTuning, joining].map(async (tuning) => {
          const bench = lab.bench(tuning);
          const grids = [
            [3, 2, 2],
            [5, 1, 1],
            [1, 4, 3],
          ] as const;
          const outputs = bench.tape.together(() =>
            grids.map(([X, Y, Z], i) => {
              const out = bench.tensor([8 * 4 * WIDE * X * Y * Z], [], 'u32');
              const overrides = { WIDE };
              bench.tape.dispatch(place, { out }, { X, Y, tag: i + 1 }, [X, Y, Z], { overrides });
              return out;
            }),
          );
          expect(bench.tape.dispatches).toHaveLength(tuning === joining ? 1 : 3);
          await bench.run();
          return Promise.all(outputs.map((out) => bench.read(out)));
        }),
      );
      expect(values[1]).toEqual(values[0]);
      expect([...values[1]![2]!].some((value) => value === 303)).toBe(true);
    },
  );

  it('find their workgroups also where those do not fit along one axis', async () => {
    const bench = lab.bench(joining);
    const many = 40_000;
    const outputs = bench.tape.together(() =>
      [1, 2].map((tag) => {
        const out = bench.tensor([8 * 32 * many], [], 'u32');
        bench.tape.dispatch(place, { out }, { X: many, Y: 1, tag }, many);
        return out;
      }),
    );
    expect(bench.tape.dispatches.map(({ grid }) => grid[1])).toEqual([2]);
    await bench.run();
    for (const [i, out] of outputs.entries()) {
      const got = await bench.read(out);
      const last = 8 * (32 * many - 1);
      expect([...got.subarray(last, last + 3)]).toEqual([100 * (i + 1) + 3, 8 * many - 1, 3]);
    }
  });

  it('read the same live numbers, and what both read is bound once', async () => {
    const bench = lab.bench(joining);
    const by = bench.live.block('shift', { by: 'f32' });
    by.set({ by: 0.5 });
    const x_N = bench.tensor([N], new Float32Array(N).fill(1));
    const outputs = bench.tape.together(() =>
      [0, 1].map(() => {
        const y_N = bench.tensor([N], []);
        bench.tape.dispatch(shift, { x_N, y_N }, { N }, 2, { live: by });
        return y_N;
      }),
    );
    expect(bench.tape.dispatches.map(({ tensors }) => Object.keys(tensors).length)).toEqual([3]);
    await bench.run();
    for (const y of outputs) expect([...(await bench.read(y))]).toEqual(new Array(N).fill(1.5));
  });

  it('are counted as the work that they are, what both read once', () => {
    const tape = new Tape(joining);
    const [a, b, c, d] = [24, 16, 40, 40].map((width, i) => tape.tensor([32, width], `${i}`));
    const products = () => {
      const into = (tensor: Tensor, add: 0 | 1) => ({ into: { tensor, add } });
      const [M, K] = [24, 32];
      const outputs = [tape.tensor([24, 16], 'ab'), tape.tensor([24, 40], 'ac')] as const;
      matmul(tape, { form: 'tn', a: a!, b: b!, ...into(outputs[0], 0), M, N: 16, K });
      matmul(tape, { form: 'tn', a: a!, b: c!, ...into(outputs[1], 1), M, N: 40, K });
    };
    tape.together(products);
    expect(tape.dispatches).toHaveLength(1);
    const words = 32 * (24 + 16 + 40) + 24 * 16 + 2 * 24 * 40;
    expect(workOf(tape.dispatches[0]!)).toEqual({ flops: 2 * 32 * 24 * 56, bytes: 4 * words });
    expect(d!.length).toBe(32 * 40);
  });
});

describe('together', () => {
  it('joins what does not depend on each other, and only where the tuning says so', () => {
    const { tape, a, b, c, d, move, sizes } = recording();
    tape.together(() => {
      move(a, b);
      move(c, d);
    });
    expect(sizes()).toEqual([2]);
    const apart = recording(fixedTuning);
    apart.tape.together(() => {
      apart.move(apart.a, apart.b);
      apart.move(apart.c, apart.d);
    });
    expect(apart.sizes()).toEqual([1, 1]);
  });

  it.each([
    ['reads what the other wrote', ['a', 'b'], ['b', 'c']],
    ['writes what the other reads', ['a', 'b'], ['c', 'a']],
    ['writes what the other wrote', ['a', 'b'], ['c', 'b']],
  ] as const)('leaves apart what %s', (_, first, second) => {
    const { tape, move, sizes, ...tensors } = recording();
    tape.together(() => {
      for (const [from, to] of [first, second]) move(tensors[from], tensors[to]);
    });
    expect(sizes()).toEqual([1, 1]);
  });

  it('keeps the order, and begins anew behind what does not fit', () => {
    const { tape, a, b, c, d, move } = recording();
    tape.together(() => {
      move(a, b);
      move(b, c); // after the first
      move(a, d); // beside the second
    });
    const written = tape.dispatches.map(({ parts, tensors }) =>
      (parts ?? [{ tensors }]).map((part) => part.tensors['y_N']!.label),
    );
    expect(written).toEqual([['b'], ['c', 'd']]);
  });

  it('joins no workgroups of other sizes, sections or live numbers', () => {
    const { tape, a, b, c, d, move, sizes } = recording();
    tape.together(() => {
      move(a, b);
      move(c, d, narrowShift);
    });
    tape.together(() => {
      move(a, b);
      tape.section('view', () => move(c, d));
    });
    tape.together(() => {
      move(a, b);
      move(c, d, shift, new LiveScalars().block('other', { by: 'f32' }));
    });
    expect(sizes()).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('binds no more buffers than every adapter has', () => {
    const { tape, move, sizes } = recording();
    const fresh = () => tape.tensor([N], 'one more');
    tape.together(() => {
      for (let i = 0; i < 5; i++) move(fresh(), fresh());
    });
    expect(sizes()).toEqual([4, 1]);
  });

  it('shares workgroup memory where it is alike, and takes no more than every adapter has', () => {
    const recorded = (variants: readonly MatmulVariant[]) => {
      const tape = new Tape(joining);
      tape.together(() => {
        for (const variant of variants) {
          const [a, b, c] = [0, 1, 2].map((i) => tape.tensor([256, 256], `${i}`));
          const sizes = { M: 256, N: 256, K: 256 };
          const into = { tensor: c!, add: 0 } as const;
          matmul(tape, { form: 'nn', ...sizes, a: a!, b: b!, into, variant });
        }
      });
      return tape.dispatches.map(({ kernel, parts = [0] }) => ({
        parts: parts.length,
        arrays: [...kernel.wgsl.matchAll(/^var<workgroup>.*array<vec4f, (\d+)u>/gm)].map(
          (m) => +m[1]!,
        ),
      }));
    };
    // 16 deep: 16 fours of each side at 64 by 64, twice as many at 128 by 128.
    expect(recorded(['shared64', 'shared64'])).toEqual([{ parts: 2, arrays: [256, 256] }]);
    expect(recorded(['shared128', 'shared128'])).toEqual([{ parts: 2, arrays: [512, 512] }]);
    expect(recorded(['shared64', 'shared128']).map(({ parts }) => parts)).toEqual([1, 1]);
  });

  it('refuses a text whose names it could not tell from fields', () => {
    const { tape, a, b, c, d } = recording();
    const wgsl = shift.wgsl.replace('const THREADS', 'const N = 3u;\nconst THREADS');
    const unclear = defineKernel({ ...shift, name: 'unclear', wgsl });
    const record = () => {
      tape.dispatch(unclear, { x_N: a, y_N: b }, { N }, 2, { live });
      tape.dispatch(unclear, { x_N: c, y_N: d }, { N }, 2, { live });
    };
    expect(() => tape.together(record)).toThrow('unclear: N names a field and something else');
  });
});
