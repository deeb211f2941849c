import { expect, it } from 'vitest';
import { batchMaxVio, globalMaxVio, loadFigures, maxVio } from '@/engine/train/loadFigures';

it('gives the worked figures of two layers of four experts', () => {
  const counts = Uint32Array.of(10, 20, 30, 40, 0, 0, 0, 100);
  expect([...maxVio(counts, 4)]).toEqual([Math.fround(0.6), 3]);
  const figures = loadFigures(counts, 4);
  expect(figures['router.maxVio']).toBe(3);
  expect(figures['router.meanMaxVio']).toBeCloseTo(1.8, 6);
  expect(figures['router.deadExperts']).toBe(3);
  expect(figures['router.utilisation']).toBeCloseTo(62.5, 10);
  // deviations from 25: 15, 5, 5, 15 and 25, 25, 25, 75
  expect(figures['router.loadVariation']).toBeCloseTo(
    (Math.sqrt(125) / 25 + Math.sqrt(1875) / 25) / 2,
    10,
  );
  const nats = -[0.1, 0.2, 0.3, 0.4].reduce((sum, p) => sum + p * Math.log(p), 0);
  expect(figures['router.loadEntropy']).toBeCloseTo(nats / Math.log(4) / 2, 10);
});

it('adds up the loads of all batches before it compares experts, and tells the worst layer', () => {
  const [first, second] = [Uint32Array.of(8, 0, 3, 5), Uint32Array.of(0, 8, 3, 5)];
  expect([...maxVio(first, 2)]).toEqual([1, 0.25]);
  expect(globalMaxVio([first, second], 2)).toBe(0.25);
});

it('is at its best with equal loads', () => {
  const figures = loadFigures(new Uint32Array(6).fill(7), 3);
  expect(figures['router.maxVio']).toBe(0);
  expect(figures['router.utilisation']).toBe(100);
  expect(figures['router.loadVariation']).toBe(0);
  expect(figures['router.loadEntropy']).toBeCloseTo(1, 12);
});

it('leaves out what has no meaning: entropy of a single expert, everything without mixture layers', () => {
  expect(loadFigures(Uint32Array.of(5), 1)).not.toHaveProperty('router.loadEntropy');
  expect(loadFigures(new Uint32Array(), 4)).toEqual({});
});

it('MaxVio by batch is averaged over batches before the worst layer is taken', () => {
  // Two layers of two experts: layer 0 has 1 and 0, layer 1 has 0.5 and 0.75.
  const first = Uint32Array.of(4, 0, 3, 1);
  const second = Uint32Array.of(2, 2, 7, 1);
  expect(batchMaxVio([first, second], 2)).toBe(0.625);
  expect(globalMaxVio([first, second], 2)).toBeCloseTo(4 / 6, 6);
});
