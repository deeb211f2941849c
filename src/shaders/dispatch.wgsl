// Sorts the rows (token t, choice k) by expert, stably: within an expert rows keep the order of the tokens.
// A counting sort in two passes over tiles of TILE rows; no atomics, so the order is always the same. Each tile of the
// second pass adds up the counts of all tiles itself: that takes less than a pass of one workgroup between the two.
//
//   selected_R    [R = T K]         in   expert of each row
//   tileCounts    [tiles, E]        out of `count`, into `scatter`: rows of each expert in the tile
//   counts_LE     [L, E]            out of `scatter`: rows of each expert; row params.row is this layer's
//   segments      [2 (E + 1)]       out of `scatter`: first sorted row of each expert and the end; then first
//                                   block of BLOCK rows of each expert and the end, for the grouped products
//   sorted_R      [R]               out of `scatter`: place of row r in the sorted order
//   source_R      [R]               out of `scatter`: row at each sorted place
//
// One workgroup per tile, spread over x and y.

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
override EXPERTS = 1u; // E
var<workgroup> tile: array<u32, TILE>;
var<workgroup> counts: array<u32, EXPERTS>;
var<workgroup> first: array<u32, EXPERTS>;

/// Brings the experts of one tile into shared memory.
fn load(start: u32, lane: u32) {
  for (var i = lane; i < TILE; i += THREADS) {
    tile[i] = NONE;
    if (start + i < params.R) { tile[i] = selected_R[start + i]; }
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

/// Where the rows of each expert that this tile holds begin: behind those of other experts and of earlier tiles.
/// The first tile tells the counts and the segments.
fn findFirsts(index: u32, lane: u32) {
  for (var e = lane; e < params.E; e += THREADS) {
    var rows = 0u;
    for (var i = 0u; i < params.tiles; i++) {
      if (i == index) { first[e] = rows; }
      rows += tileCounts[i * params.E + e];
    }
    counts[e] = rows;
    if (index == 0u) { counts_LE[params.row * params.E + e] = rows; }
  }
  workgroupBarrier();
  if (lane > 0u) { return; }
  var rows = 0u;
  var blocks = 0u;
  for (var e = 0u; e < params.E; e++) {
    first[e] += rows;
    if (index == 0u) { tellSegment(e, rows, blocks); }
    rows += counts[e];
    blocks += (counts[e] + BLOCK - 1u) / BLOCK;
  }
  if (index == 0u) { tellSegment(params.E, rows, blocks); }
}

fn tellSegment(e: u32, rows: u32, blocks: u32) {
  segments[e] = rows;
  segments[params.E + 1u + e] = blocks;
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
  findFirsts(index, lane);
  workgroupBarrier();
  for (var i = lane; i < TILE; i += THREADS) {
    let r = index * TILE + i;
    if (r >= params.R) { break; }
    var place = first[tile[i]];
    for (var j = 0u; j < i; j++) { place += select(0u, 1u, tile[j] == tile[i]); }
    sorted_R[r] = place;
    source_R[place] = r;
  }
}
