/**
 * @file What a layer may see, as index arithmetic: causal, inside a window, inside the document.
 * Letters: S tokens of a sequence. A token's visible keys are always one run of neighbours, so the
 * first one says everything.
 */

export interface MaskRule {
  /** Keys that a token sees, itself included; undefined for all before it. Trinity, eq. 6–8. */
  readonly window: number | undefined;
  /** [S] document of each token; undefined where documents do not matter or are not known. */
  readonly documents: ArrayLike<number> | undefined;
}

/** [S] the first key that each query may see; the last one is itself. */
export function firstVisibleKeys(size: number, { window, documents }: MaskRule): Uint32Array {
  const first = new Uint32Array(size);
  let documentStart = 0;
  for (let query = 0; query < size; query++) {
    if (documents && query > 0 && documents[query] !== documents[query - 1]) documentStart = query;
    const windowStart = window === undefined ? 0 : query - window + 1;
    first[query] = Math.max(documentStart, windowStart, 0);
  }
  return first;
}

/** First tokens of the second and later documents. */
export function documentStarts(documents: ArrayLike<number>): number[] {
  const starts: number[] = [];
  for (let token = 1; token < documents.length; token++) {
    if (documents[token] !== documents[token - 1]) starts.push(token);
  }
  return starts;
}

/**
 * Row-major `side` × `side` shares of (query, key) pairs that are visible, 0 to 1: the exact area of
 * the mask under each pixel of a thumbnail.
 */
export function maskCoverage(size: number, side: number, rule: MaskRule): Float32Array {
  const coverage = new Float32Array(side * side);
  const first = firstVisibleKeys(size, rule);
  const tokensPerPixel = size / side;
  const row = new Float64Array(side);
  for (let query = 0; query < size; query++) {
    row.fill(0);
    addRun(row, first[query]! / tokensPerPixel, (query + 1) / tokensPerPixel);
    const top = query / tokensPerPixel;
    const bottom = (query + 1) / tokensPerPixel;
    for (let y = Math.floor(top); y < Math.min(side, Math.ceil(bottom)); y++) {
      const height = Math.min(bottom, y + 1) - Math.max(top, y);
      for (let x = 0; x < side; x++) coverage[y * side + x]! += row[x]! * height;
    }
  }
  return coverage;
}

/** Adds the run from `start` to `end`, in pixels, to the pixels under it. */
function addRun(row: Float64Array, start: number, end: number): void {
  for (let x = Math.floor(start); x < Math.min(row.length, Math.ceil(end)); x++) {
    row[x]! += Math.min(end, x + 1) - Math.max(start, x);
  }
}
