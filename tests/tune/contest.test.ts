import { describe, expect, it } from 'vitest';
import type { Tensor } from '@/engine/gpu/tensor';
import { matmulVariants } from '@/engine/ops/matmul.variants';
import { Contest, type Subject } from '@/engine/tune/contest';
import { openLab } from '../support/lab';

const lab = openLab();

const SIDE = 128;
const SIDES = { form: 'nn', batch: 1, M: SIDE, N: SIDE, K: SIDE } as const;
/** What a variant does before it ends in the product; today's choice does much of it. */
type Work = Readonly<Record<string, { readonly times: number; readonly inner: number }>>;

/** Variants that compute the product of two matrices so many times over `inner` of its terms. */
function subject(work: Work): Subject {
  const { record } = matmulVariants.tile;
  return {
    variants: Object.keys(work),
    inputs: Array.from({ length: 3 }, () => ({ shape: [SIDE, SIDE] })),
    record(tape, [a, b, c], variant) {
      const { times, inner } = work[variant]!;
      const into = { tensor: c as Tensor, add: 0 } as const;
      for (let i = 0; i < times; i++) record(tape, { ...SIDES, K: inner, a: a!, b: b!, into });
      return 0;
    },
  };
}

async function winner(work: Work): Promise<string | undefined> {
  const contest = await Contest.open(lab.open(), subject(work));
  try {
    return await contest.winner(() => false);
  } finally {
    contest.close();
  }
}

const today = { times: 6, inner: SIDE };

describe('a contest', () => {
  it('is won by the fastest of equal bits', async () => {
    const once = { times: 1, inner: SIDE };
    expect(await winner({ today, twice: { ...once, times: 3 }, once })).toBe('once');
  });

  it('is not won by other bits, however fast', async () => {
    expect(await winner({ today, short: { times: 1, inner: SIDE - 4 } })).toBe('today');
    const equal = { times: 2, inner: SIDE };
    expect(await winner({ today, short: { times: 1, inner: SIDE / 2 }, equal })).toBe('equal');
  });

  it('is not won by what writes nothing', async () => {
    expect(await winner({ today, idle: { times: 0, inner: SIDE } })).toBe('today');
  });
});
