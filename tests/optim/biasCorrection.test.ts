import { describe, expect, it } from 'vitest';
import { biasCorrection } from '@/engine/optim/biasCorrection';

describe('biasCorrection', () => {
  it('is one minus a power of beta', () => {
    expect(biasCorrection(0.75, 0)).toBe(0.25);
    expect(biasCorrection(0.75, 1)).toBe(0.4375);
    expect(biasCorrection(0.5, 5000)).toBe(1);
  });

  it('takes beta as float32 has it', () => {
    expect(biasCorrection(0.99999, 0)).toBe(1 - Math.fround(0.99999));
  });
});
