/** @file Cells of a heatmap as pixels. */
import { pixelOf, type Rgb } from '@/ui/theme/scales';

export interface CellGeometry {
  readonly rows: number;
  readonly columns: number;
  /** Whole pixels, the gap included. */
  readonly cellWidth: number;
  readonly cellHeight: number;
}

/** Colours of cells that hold nothing, and of the gaps between cells. */
export interface CellGround {
  readonly none: Rgb;
  readonly hatch: Rgb;
  readonly gap: Rgb;
}

/** Cells smaller than this stand without a gap. */
const LEAST_WITH_GAP = 5;
/** Distance of the hatching lines, in pixels. */
const HATCH = 4;

/**
 * Row-major pixels of all cells. `colorOf` answers undefined for a cell that holds nothing: it is
 * hatched, so that it is not read as a low value.
 */
export function paintCells(
  { rows, columns, cellWidth, cellHeight }: CellGeometry,
  colorOf: (row: number, column: number) => Rgb | undefined,
  ground: CellGround,
): Uint32Array<ArrayBuffer> {
  const width = columns * cellWidth;
  const pixels = new Uint32Array(width * rows * cellHeight);
  pixels.fill(pixelOf(ground.gap));
  const drawnWidth = cellWidth >= LEAST_WITH_GAP ? cellWidth - 1 : cellWidth;
  const drawnHeight = cellHeight >= LEAST_WITH_GAP ? cellHeight - 1 : cellHeight;
  const none = pixelOf(ground.none);
  const hatch = pixelOf(ground.hatch);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const color = colorOf(row, column);
      const solid = color && pixelOf(color);
      for (let y = row * cellHeight; y < row * cellHeight + drawnHeight; y++) {
        for (let x = column * cellWidth; x < column * cellWidth + drawnWidth; x++) {
          pixels[y * width + x] = solid ?? ((x + y) % HATCH === 0 ? hatch : none);
        }
      }
    }
  }
  return pixels;
}

/** Puts row-major pixels at the canvas's left top corner. */
export function putPixels(
  context: CanvasRenderingContext2D,
  pixels: Uint32Array<ArrayBuffer>,
  width: number,
): void {
  if (width < 1 || pixels.length < width) return;
  const bytes = new Uint8ClampedArray(pixels.buffer);
  context.putImageData(new ImageData(bytes, width, pixels.length / width), 0, 0);
}
