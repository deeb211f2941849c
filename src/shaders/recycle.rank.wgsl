// Capacity of experts, one choice a token (arXiv:2411.02265, 2.2.3), first half. An expert keeps the first `capacity`
// of its tokens in token order; the others are numbered here, again in token order, and the free places are counted:
// expert 0 has the first of them, as many as it has room for, then expert 1, and so on.
//
//   chosen_T    [T]      in   expert of each token
//   segments             in   first sorted row of each expert, from `dispatch`
//   sorted_T    [T]      in   place of each token in the order of experts, from `dispatch`
//   rank_T      [T]      out  number of the token among those without room, or HAS_ROOM
//   free_E      [E + 1]  out  free places before those of each expert, and all
//   overflow_L  [L]      out  tokens without room, row params.row
//
// One workgroup: the tokens go by in tiles of THREADS. Dispatch: 1 workgroup.

struct Params {
  T: u32,
  E: u32,
  capacity: u32,
  row: u32,
  isRecycled: u32,
  isNormalised: u32,
  routeScale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> chosen_T: array<u32>;
@group(0) @binding(2) var<storage, read> segments: array<u32>;
@group(0) @binding(3) var<storage, read> sorted_T: array<u32>;
@group(0) @binding(4) var<storage, read_write> rank_T: array<u32>;
@group(0) @binding(5) var<storage, read_write> free_E: array<u32>;
@group(0) @binding(6) var<storage, read_write> overflow_L: array<u32>;

const THREADS = 64u;
const HAS_ROOM = 0xffffffffu;
var<workgroup> ranks: array<u32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
  var before = 0u;
  for (var first = 0u; first < params.T; first += THREADS) {
    let t = first + lane;
    var isOver = 0u;
    if (t < params.T) { isOver = select(0u, 1u, sorted_T[t] - segments[chosen_T[t]] >= params.capacity); }
    ranks[lane] = isOver;
    workgroupBarrier();
    for (var reach = 1u; reach < THREADS; reach *= 2u) {
      let left = select(0u, ranks[max(lane, reach) - reach], lane >= reach);
      workgroupBarrier();
      ranks[lane] += left;
      workgroupBarrier();
    }
    if (t < params.T) { rank_T[t] = select(HAS_ROOM, before + ranks[lane] - 1u, isOver != 0u); }
    before += ranks[THREADS - 1u];
    workgroupBarrier(); // the next tile overwrites the ranks
  }
  if (lane != 0u) { return; }
  overflow_L[params.row] = before;
  var free = 0u;
  for (var e = 0u; e < params.E; e++) {
    free_E[e] = free;
    free += params.capacity - min(params.capacity, segments[e + 1u] - segments[e]);
  }
  free_E[params.E] = free;
}
