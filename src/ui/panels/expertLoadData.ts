/** @file What the expert-load panel draws, out of the recorder. */

import { scaleFromZero, stepAxisEnd } from '@/ui/charts/axis';
import type { CellGround } from '@/ui/charts/cells';
import { rowsOf } from '@/ui/charts/Lines';
import { formatFixed } from '@/ui/format/numbers';
import type { Point } from '@/ui/state/curve';
import type { History } from '@/ui/state/history';
import type { Recorder } from '@/ui/state/recorder';
import type { Palette } from '@/ui/theme/palette';
import { loadColor, pixelOf, type Rgb } from '@/ui/theme/scales';

/** Colour of `tokens`, where `fair` would be everybody's share; undefined without any token. */
export const shareColor = (tokens: number, fair: number): Rgb | undefined =>
  tokens > 0 && fair > 0 ? loadColor(tokens / fair) : undefined;

/** `1.26 × fair share`; undefined where no expert got a token. */
export const shareWords = (tokens: number, fair: number): string | undefined =>
  fair > 0 ? `${formatFixed(tokens / fair, 2)} × fair share` : undefined;

export const groundOf = (palette: Palette): CellGround => ({
  none: palette.none,
  hatch: palette['none-hatch'],
  gap: palette.bg,
});

/** Tokens that each expert of a layer would get if all got the same, for `tokensOf` each. */
export function fairShare(expertCount: number, tokensOf: (expert: number) => number): number {
  let sum = 0;
  for (let expert = 0; expert < expertCount; expert++) sum += tokensOf(expert);
  return sum / Math.max(1, expertCount);
}

/**
 * Row-major pixels, one row an expert, of a layer's load over the steps of the axis. Steps that
 * nobody watched are left in the page's ground; experts without a token are `none`.
 */
export function historyPixels(
  loads: History,
  at: { layerRow: number; expertCount: number; end: number; width: number },
  palette: Palette,
): Uint32Array<ArrayBuffer> {
  const { layerRow, expertCount, end, width } = at;
  const pixels = new Uint32Array(width * expertCount);
  const none = pixelOf(palette.none);
  for (let x = 0; x < width; x++) {
    const column = loads.columnOf(Math.floor(((x + 0.5) / width) * end));
    if (!loads.has(column)) continue;
    // The batch may grow in mid-run, so each column has a share of its own.
    const tokensOf = (expert: number) => loads.at(column, layerRow * expertCount + expert);
    const fair = fairShare(expertCount, tokensOf);
    for (let expert = 0; expert < expertCount; expert++) {
      const color = shareColor(tokensOf(expert), fair);
      pixels[expert * width + x] = color ? pixelOf(color) : none;
    }
  }
  return pixels;
}

/** Points of one row of a history, at most `limit`. */
export function historyPoints(history: History, row: number, limit: number): Point[] {
  const points: Point[] = [];
  const stride = Math.max(1, Math.ceil(history.columnCount / limit));
  for (let column = history.columnCount - 1; column >= 0; column -= stride) {
    if (!history.has(column)) continue;
    points.unshift({ step: column * history.stride, value: history.at(column, row) });
  }
  return points;
}

const LINE_POINTS = 130;

/** MaxVio of the shown layer, of the worst layer, and their mean; `limit` is the worst possible. */
export function violationCurves({ series, violations }: Recorder, layerRow: number, limit: number) {
  const layer = layerRow >= 0 ? historyPoints(violations, layerRow, LINE_POINTS) : [];
  const worst = series.points('router.maxVio', LINE_POINTS);
  const mean = series.points('router.meanMaxVio', LINE_POINTS);
  const shown = [...layer, ...worst].map((point) => point.value);
  return {
    end: stepAxisEnd(series.lastStep),
    scale: scaleFromZero(shown, Math.min(1, limit)),
    rows: rowsOf({ layer, worst, mean }),
    last: layer.at(-1)?.value,
  };
}
