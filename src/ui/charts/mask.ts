/**
 * @file What a layer may see, as index arithmetic: causal, inside a window, inside the document.
 * Letters: S tokens of a sequence. A token's visible keys are few runs of neighbours: one, or one for each
 * chunk of its document where a sequence is untied and other documents lie in between.
 */

export interface MaskRule {
  /** Keys that a token sees, itself included; undefined for all before it. Trinity, eq. 6–8. */
  readonly window: number | undefined;
  /** [S] document of each token; undefined where documents do not matter or are not known. */
  readonly documents: ArrayLike<number> | undefined;
}

/** Neighbouring keys from `start` on, up to but without `end`. */
export interface KeyRun {
  readonly start: number;
  readonly end: number;
}

/** Whether `query` may see `key`. */
export const isVisible = ({ window, documents }: MaskRule, query: number, key: number): boolean =>
  key <= query &&
  (window === undefined || query - key < window) &&
  (documents === undefined || documents[query] === documents[key]);

/** What each query may see, in rising order, none next to another. */
export function visibleRuns(size: number, rule: MaskRule): (query: number) => KeyRun[] {
  const { window, documents } = rule;
  const borders = documents ? [0, ...documentStarts(documents), size] : [0, size];
  return (query) => {
    const first = window === undefined ? 0 : query - window + 1;
    const runs: KeyRun[] = [];
    for (let index = 0; borders[index]! <= query; index++) {
      const start = Math.max(first, borders[index]!);
      const end = Math.min(query + 1, borders[index + 1]!);
      if (start < end && isVisible(rule, query, start)) runs.push({ start, end });
    }
    return runs;
  };
}

/** Tokens whose document is another than that of the token before. */
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
  const runsOf = visibleRuns(size, rule);
  const tokensPerPixel = size / side;
  const row = new Float64Array(side);
  for (let query = 0; query < size; query++) {
    row.fill(0);
    for (const { start, end } of runsOf(query))
      addRun(row, start / tokensPerPixel, end / tokensPerPixel);
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
