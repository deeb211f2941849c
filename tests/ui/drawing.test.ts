/** @file What charts compute before they draw: axes, masks, cells, colours. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fromTop,
  logScale,
  roundUp,
  scaleFromZero,
  smoothed,
  stepAxisEnd,
  symmetricScale,
  ticksBetween,
} from '@/ui/charts/axis';
import { paintCells } from '@/ui/charts/cells';
import { documentStarts, isVisible, maskCoverage, visibleRuns } from '@/ui/charts/mask';
import { apartBy } from '@/ui/charts/SpikeMarks';
import { attentionPixels } from '@/ui/panels/attentionPixels';
import { fairShare, groundOf, historyPixels, shareWords } from '@/ui/panels/expertLoadData';
import { History } from '@/ui/state/history';
import type { Palette } from '@/ui/theme/palette';
import {
  attentionColor,
  cssColor,
  inkOn,
  loadColor,
  luminance,
  pixelOf,
  probabilityColor,
  type Rgb,
} from '@/ui/theme/scales';

const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

describe('colour scales', () => {
  it('put the fair share in the middle of viridis and its ends at a quarter and four times', () => {
    expect(loadColor(1 / 4)).toEqual([0x44, 0x01, 0x54]);
    expect(loadColor(4)).toEqual([0xfd, 0xe7, 0x25]);
    expect(loadColor(1 / 64)).toEqual(loadColor(1 / 4));
    expect(loadColor(1000)).toEqual(loadColor(4));
    // Halfway between the fifth and the sixth anchor.
    expect(loadColor(1)).toEqual([0x23, 0x90, 0x8c]);
  });

  it.each([
    ['load', (x: number) => loadColor(2 ** (4 * x - 2))],
    ['probability', probabilityColor],
    ['attention', (x: number) => attentionColor(10 ** (-3.3 + 3 * x))],
  ])('%s grows lighter all along', (_, color) => {
    let last = -1;
    for (let x = 0; x <= 1.0001; x += 1 / 64) {
      const light = luminance(color(x) as Rgb);
      expect(light).toBeGreaterThanOrEqual(last - 1e-3);
      last = light;
    }
  });

  it('leave text on every cell readable', () => {
    for (let x = 0; x <= 1; x += 0.01) {
      const cell = probabilityColor(x);
      const ink = inkOn(cell) === '#000000' ? 0 : 1;
      expect(contrast(luminance(cell), ink)).toBeGreaterThan(4.5);
    }
  });

  it('give pixels in the byte order of an ImageData', () => {
    const bytes = new Uint8ClampedArray(Uint32Array.of(pixelOf([1, 2, 3])).buffer);
    expect([...bytes]).toEqual([1, 2, 3, 255]);
    expect(cssColor([1, 2, 3])).toBe('rgb(1 2 3)');
  });
});

describe('masks', () => {
  /** The definition, pair by pair. */
  const sees = (query: number, key: number, window: number | undefined, documents?: number[]) =>
    key <= query &&
    (window === undefined || query - key < window) &&
    (documents === undefined || documents[query] === documents[key]);

  const packed = fc
    .array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
    .chain((lengths) =>
      // Whole documents one after the other, or chunks of two among each other.
      fc
        .constantFrom(lengths.length, 2)
        .map((count) => lengths.flatMap((length, i) => Array<number>(length).fill(i % count))),
    );

  it('are few runs of keys for every query, each as long as can be', () => {
    fc.assert(
      fc.property(packed, fc.option(fc.integer({ min: 1, max: 12 })), (documents, limit) => {
        const window = limit ?? undefined;
        const runsOf = visibleRuns(documents.length, { window, documents });
        for (let query = 0; query < documents.length; query++) {
          const runs = runsOf(query);
          for (const [index, { start }] of runs.slice(1).entries())
            expect(start).toBeGreaterThan(runs[index]!.end);
          for (let key = 0; key < documents.length; key++) {
            const isIn = runs.some(({ start, end }) => key >= start && key < end);
            expect(isIn).toBe(sees(query, key, window, documents));
            expect(isVisible({ window, documents }, query, key)).toBe(isIn);
          }
        }
      }),
    );
  });

  it('cover exactly the area that is visible, at any size of thumbnail', () => {
    fc.assert(
      fc.property(packed, fc.integer({ min: 1, max: 11 }), (documents, side) => {
        const size = documents.length;
        const coverage = maskCoverage(size, side, { window: 3, documents });
        let pairs = 0;
        for (let query = 0; query < size; query++) {
          for (let key = 0; key < size; key++) {
            if (sees(query, key, 3, documents)) pairs++;
          }
        }
        const area = coverage.reduce((sum, share) => sum + share, 0);
        expect(area / side ** 2).toBeCloseTo(pairs / size ** 2, 4);
        expect(Math.max(...coverage)).toBeLessThanOrEqual(1 + 1e-5);
      }),
    );
  });

  it('is the pairs themselves at one pixel a token', () => {
    const coverage = maskCoverage(4, 4, { window: 2, documents: undefined });
    expect([...coverage]).toEqual([1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1]);
  });

  it('has a border where a document begins', () => {
    expect(documentStarts([0, 0, 1, 1, 1, 2])).toEqual([2, 5]);
    expect(documentStarts([])).toEqual([]);
  });

  it('colours what is visible by its weight, and nothing else', () => {
    const weights = Float32Array.of(1, 0.3, 0.25, 0.75);
    const none: Rgb = [9, 9, 9];
    const pixels = attentionPixels(weights, 2, { window: undefined, documents: undefined }, none);
    expect(pixels[1]).toBe(pixelOf(none));
    expect(pixels[0]).toBe(pixelOf(attentionColor(1)));
    expect(pixels[2]).toBe(pixelOf(attentionColor(0.25)));
  });
});

describe('cells', () => {
  const ground = { none: [1, 1, 1], hatch: [2, 2, 2], gap: [3, 3, 3] } as const;

  it('fill whole pixels and leave a gap where they are large', () => {
    const geometry = { rows: 1, columns: 2, cellWidth: 6, cellHeight: 6 };
    const pixels = paintCells(geometry, (_, column) => [10 + column, 0, 0], ground);
    expect(pixels).toHaveLength(72);
    expect(pixels[0]).toBe(pixelOf([10, 0, 0]));
    expect(pixels[4]).toBe(pixelOf([10, 0, 0]));
    expect(pixels[5]).toBe(pixelOf(ground.gap));
    expect(pixels[6]).toBe(pixelOf([11, 0, 0]));
    expect(pixels[5 * 12]).toBe(pixelOf(ground.gap));
  });

  it('stand without a gap where they are small', () => {
    const geometry = { rows: 2, columns: 3, cellWidth: 1, cellHeight: 1 };
    const pixels = paintCells(geometry, (row, column) => [row, column, 0], ground);
    expect(pixels[5]).toBe(pixelOf([1, 2, 0]));
  });

  it('are hatched where there is nothing', () => {
    const geometry = { rows: 1, columns: 1, cellWidth: 8, cellHeight: 8 };
    const seen = new Set(paintCells(geometry, () => undefined, ground));
    expect(seen).toEqual(new Set([ground.none, ground.hatch, ground.gap].map((c) => pixelOf(c))));
  });
});

describe('the load of a run whose batch grows', () => {
  const colors = { bg: [1, 1, 1], none: [2, 2, 2], 'none-hatch': [3, 3, 3] };
  const palette = colors as unknown as Palette;

  it('is told against the share of each step', () => {
    const loads = new History(4);
    // Two layers of two experts; the shown one has three parts of four, then the same of twice as much.
    loads.add(0, [8, 8, 12, 4]);
    loads.add(1, [8, 8, 24, 8]);
    const at = { layerRow: 1, expertCount: 2, end: 2, width: 2 };
    const pixels = historyPixels(loads, at, palette);
    expect([...pixels]).toEqual([1.5, 1.5, 0.5, 0.5].map((share) => pixelOf(loadColor(share))));
  });

  it('leaves what nobody read in the ground of the page', () => {
    const loads = new History(2);
    loads.add(1, [4, 0]);
    const at = { layerRow: 0, expertCount: 2, end: 2, width: 2 };
    const none = pixelOf(groundOf(palette).none);
    expect([...historyPixels(loads, at, palette)]).toEqual([0, pixelOf(loadColor(2)), 0, none]);
  });

  it('is in words what it is in colour', () => {
    expect(fairShare(4, (expert) => expert)).toBe(1.5);
    expect(shareWords(3, 1.5)).toBe('2.00 × fair share');
    expect(shareWords(0, 0)).toBeUndefined();
  });
});

describe('marks of spikes', () => {
  it('are one where they would cover each other', () => {
    expect(apartBy([1, 3, 5, 20, 21, 60], 4)).toEqual([1, 5, 20, 60]);
  });
});

describe('axes', () => {
  it('round up to 1, 2, 5', () => {
    expect([0.3, 1, 1.1, 2.5, 7, 1000, 1001].map(roundUp)).toEqual([0.5, 1, 2, 5, 10, 1000, 2000]);
  });

  it('have round ticks inside their ends', () => {
    expect(ticksBetween(0, 15, 4)).toEqual([0, 5, 10, 15]);
    expect(ticksBetween(0, 1284, 6)).toEqual([0, 500, 1000]);
    expect(ticksBetween(2, 2, 4)).toEqual([2]);
  });

  it('end at or little after the newest step', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5_000_000 }), (step) => {
        const end = stepAxisEnd(step);
        expect(end).toBeGreaterThanOrEqual(step);
        expect(end).toBeLessThanOrEqual(Math.max(10, step * 1.13));
      }),
    );
  });

  it('hold all their values', () => {
    for (const scale of [logScale([1.9, 8]), scaleFromZero([0.2, 3.7], 1), symmetricScale(0.13)]) {
      expect(scale.ticks.length).toBeGreaterThan(2);
      for (const tick of scale.ticks) {
        expect(fromTop(scale, tick)).toBeGreaterThanOrEqual(0);
        expect(fromTop(scale, tick)).toBeLessThanOrEqual(1);
      }
    }
    expect(fromTop(logScale([2, 8]), 8)).toBeLessThan(0.05);
    expect(fromTop(symmetricScale(0.13), 0)).toBe(0.5);
  });

  it('smooth without moving a straight line or its ends', () => {
    const line = Array.from({ length: 200 }, (_, i) => 3 * i);
    smoothed(line).forEach((value, i) => {
      expect(value).toBeCloseTo(line[i]!, 6);
    });
  });
});
