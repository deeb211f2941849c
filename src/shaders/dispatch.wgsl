// Sorts the rows (token t, choice k) by expert, stably: within an expert rows keep the order of the tokens.
// A counting sort in three passes over tiles of TILE rows; no atomics, so the order is always the same.
//
//   selected_R    [R = T K]         in   expert of each row
//   tileCounts    [tiles, E]        out of `count`: rows of each expert in the tile; `scan` turns them into
//                                   the rows of that expert in earlier tiles
//   counts_LE     [L, E]            out of `scan`: rows of each expert; row params.row is this layer's
//   segments      [2 (E + 1)]       out of `scan`: first sorted row of each expert and the end; then first
//                                   block of BLOCK rows of each expert and the end, for the grouped products
//   sorted_R      [R]               out of `scatter`: place of row r in the sorted order
//   source_R      [R]               out of `scatter`: row at each sorted place
//
// count, scatter: one workgroup per tile, spread over x and y. scan: one workgroup.

struct Params {
  R: u32,
  E: u32,
  tiles: u32,
  row: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> selected_R: array<u32>;
@group(0) @binding(2) var<storage, read_write> tileCounts: array<u32>;
@group(0) @binding(3) var<storage, read_write> counts_LE: array<u32>;
@group(0) @binding(4) var<storage, read_write> segments: array<u32>;
@group(0) @binding(5) var<storage, read_write> sorted_R: array<u32>;
@group(0) @binding(6) var<storage, read_write> source_R: array<u32>;

const THREADS = 64u;
const TILE = 256u;
const BLOCK = 32u; // rows of a grouped product's tile; ops/dispatch.ts has it too
const NONE = 0xffffffffu;
var<workgroup> tile: array<u32, TILE>;

/// Brings the experts of one tile into shared memory.
fn load(first: u32, lane: u32) {
  for (var i = lane; i < TILE; i += THREADS) {
    tile[i] = NONE;
    if (first + i < params.R) { tile[i] = selected_R[first + i]; }
  }
  workgroupBarrier();
}

@compute @workgroup_size(THREADS)
fn count(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  if (index >= params.tiles) { return; } // whole workgroup leaves, so the barrier in load stays uniform
  load(index * TILE, lane);
  for (var e = lane; e < params.E; e += THREADS) {
    var rows = 0u;
    for (var i = 0u; i < TILE; i++) { rows += select(0u, 1u, tile[i] == e); }
    tileCounts[index * params.E + e] = rows;
  }
}

@compute @workgroup_size(THREADS)
fn scan(@builtin(local_invocation_index) lane: u32) {
  for (var e = lane; e < params.E; e += THREADS) {
    var rows = 0u;
    for (var index = 0u; index < params.tiles; index++) {
      let here = tileCounts[index * params.E + e];
      tileCounts[index * params.E + e] = rows;
      rows += here;
    }
    counts_LE[params.row * params.E + e] = rows;
  }
  storageBarrier();
  if (lane > 0u) { return; }
  let blocks = params.E + 1u;
  var rows = 0u;
  var blockCount = 0u;
  for (var e = 0u; e < params.E; e++) {
    segments[e] = rows;
    segments[blocks + e] = blockCount;
    let here = counts_LE[params.row * params.E + e];
    rows += here;
    blockCount += (here + BLOCK - 1u) / BLOCK;
  }
  segments[params.E] = rows;
  segments[blocks + params.E] = blockCount;
}

@compute @workgroup_size(THREADS)
fn scatter(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  if (index >= params.tiles) { return; } // as in count
  load(index * TILE, lane);
  for (var i = lane; i < TILE; i += THREADS) {
    let r = index * TILE + i;
    if (r >= params.R) { break; }
    let e = tile[i];
    var place = segments[e] + tileCounts[index * params.E + e];
    for (var j = 0u; j < i; j++) { place += select(0u, 1u, tile[j] == e); }
    sorted_R[r] = place;
    source_R[place] = r;
  }
}
