import { beforeAll, describe, expect, it } from 'vitest';
import { create, globals } from 'webgpu';
import { compileAll } from '@/engine/gpu/pipelines';
import { MATRICES_FEATURE, offersMatrices, readsMatrices } from '@/engine/gpu/subgroupMatrices';
import { Tape } from '@/engine/gpu/tape';
import type { ElementType } from '@/engine/gpu/tensor';
import { JOINED } from '@/engine/gpu/tuning';
import { linear, linearSwiglu } from '@/engine/ops/matmul';
import { openLab } from '../support/lab';

const lab = openLab();

const f32 = { componentType: 'f32', resultComponentType: 'f32', M: 8, N: 8, K: 8 };
const half = { ...f32, componentType: 'f16' };
const wide = { ...f32, M: 16 };

function offered(kinds: readonly object[], sizes = [32, 32], features = [MATRICES_FEATURE]) {
  const [subgroupMinSize, subgroupMaxSize] = sizes;
  const info = { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs: kinds };
  return offersMatrices({ features: new Set(features), info } as unknown as GPUAdapter);
}

describe('an adapter offers matrices', () => {
  it('where it multiplies f32 by 8 x 8 in subgroups of 32', () => {
    expect(offered([half, f32])).toBe(true);
  });

  it.each([
    ['of another type', () => offered([half])],
    ['of another result', () => offered([{ ...f32, resultComponentType: 'f16' }])],
    ['of another shape', () => offered([wide])],
    ['of no kind', () => offered([])],
    ['in wider subgroups', () => offered([f32], [32, 64])],
    ['in narrower subgroups', () => offered([f32], [16, 32])],
    ['without the feature', () => offered([f32], [32, 32], [])],
  ])('and not %s', (_, isOffered) => {
    expect(isOffered()).toBe(false);
  });
});

/** Dawn's adapter that compiles and checks everything and computes nothing. It aborts the process once collected. */
const idle = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);

describe('a device that has matrices', () => {
  let device: GPUDevice;
  beforeAll(async () => {
    Object.assign(globalThis, globals);
    const adapter = await idle.requestAdapter();
    device = await adapter!.requestDevice({ requiredFeatures: ['subgroups', MATRICES_FEATURE] });
  });

  it('reads how they are spelt, and one that has none does not', async () => {
    expect(await readsMatrices(device)).toBe(true);
    expect(await readsMatrices(lab.open().device)).toBe(false);
    lab.open().check();
  });

  it.each(['f32', 'bf16', 'f16'] as const)(
    'compiles the products of a feed-forward both ways, stored as %s, joined and apart',
    async (type: ElementType) => {
      const tapes = [JOINED, 'apart'].map((joining) => {
        const tape = new Tape(({ op }) => (op === 'matmul' ? 'subgroupMatrix' : joining));
        const x = tape.tensor([64, 32], 'x', type);
        const hidden = linearSwiglu(tape, x, tape.tensor([128, 32], 'both', type));
        const y = linear(tape, hidden, tape.tensor([32, 64], 'down', type));
        tape.gradientOf(y);
        tape.backward();
        return tape;
      });
      const names = tapes.flatMap(({ dispatches }) => dispatches.map(({ kernel }) => kernel.name));
      const product = 'matmul.subgroupMatrix';
      const endings = [product, `${product}.swiglu`, `${product}.swigluBackward`];
      expect(new Set(names)).toEqual(new Set([...endings, `${product} + ${endings[2]}`]));
      device.pushErrorScope('validation');
      await compileAll(device, tapes);
      expect(await device.popErrorScope()).toBeNull();
    },
  );
});
