/** @file Pixels of masks and of measured attention. */
import { type MaskRule, maskCoverage, visibleRuns } from '@/ui/charts/mask';
import { attentionColor, pixelOf, type Rgb } from '@/ui/theme/scales';

/** Upper halves of the bits of the float32 numbers from 0 to 1: enough to tell colours apart. */
const BIT_STEPS = 0x3f80 + 1;
const HALF_BITS = 16;

let table: Uint32Array | undefined;

/** The colour of a weight by the upper half of its bits: no logarithm for each of a million pixels. */
function colorTable(): Uint32Array {
  if (table) return table;
  const bits = new Uint32Array(BIT_STEPS).map((_, i) => i << HALF_BITS);
  const weights = new Float32Array(bits.buffer);
  table = new Uint32Array(BIT_STEPS);
  for (let i = 0; i < BIT_STEPS; i++) table[i] = pixelOf(attentionColor(weights[i]!));
  return table;
}

/** [S, S] pixels of measured weights; `none` where the mask lets nothing through. */
export function attentionPixels(
  weights: Float32Array,
  size: number,
  rule: MaskRule,
  none: Rgb,
): Uint32Array<ArrayBuffer> {
  const colors = colorTable();
  const bits = new Uint32Array(weights.buffer, weights.byteOffset, weights.length);
  const runsOf = visibleRuns(size, rule);
  const pixels = new Uint32Array(size * size);
  pixels.fill(pixelOf(none));
  for (let query = 0; query < size; query++) {
    for (const { start, end } of runsOf(query)) {
      for (let at = query * size + start; at < query * size + end; at++)
        pixels[at] = colors[Math.min(BIT_STEPS - 1, bits[at]! >>> HALF_BITS)]!;
    }
  }
  return pixels;
}

/** Pixels of a thumbnail of the mask: from `none` to `seen` by the share that is visible. */
export function maskPixels(
  size: number,
  side: number,
  rule: MaskRule,
  colors: { readonly none: Rgb; readonly seen: Rgb },
): Uint32Array<ArrayBuffer> {
  const coverage = maskCoverage(size, side, rule);
  const pixels = new Uint32Array(side * side);
  for (let i = 0; i < pixels.length; i++) {
    const share = Math.min(1, coverage[i]!);
    const mix = (channel: 0 | 1 | 2) =>
      Math.round(colors.none[channel] + (colors.seen[channel] - colors.none[channel]) * share);
    pixels[i] = pixelOf([mix(0), mix(1), mix(2)]);
  }
  return pixels;
}
