// Capacity of experts, second half: token number j without room goes to free place p(j), p a random permutation of
// the places. It is a Feistel network of six rounds over the next even power of two, walked until it lands among the
// places (Black and Rogaway 2002, "Ciphers with arbitrary finite domains"): a token finds its place without the others.
//
//   chosen_T    [T]      in   expert of each token
//   scores_TE   [T, E]   in
//   rank_T      [T]      in   number of the token among those without room, or HAS_ROOM
//   free_E      [E + 1]  in   free places before those of each expert, and all
//   selected_T  [T]      out  expert that the token goes to
//   gates_T     [T]      out  its gate; 0 where no place was left or tokens are dropped
//
// One thread per token. Dispatch: ceil(T / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  E: u32,
  capacity: u32,
  row: u32,
  isRecycled: u32,
  isNormalised: u32,
  routeScale: f32,
}

struct Live {
  seed: u32,
  step: u32,
  microBatch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> chosen_T: array<u32>;
@group(0) @binding(3) var<storage, read> scores_TE: array<f32>;
@group(0) @binding(4) var<storage, read> rank_T: array<u32>;
@group(0) @binding(5) var<storage, read> free_E: array<u32>;
@group(0) @binding(6) var<storage, read_write> selected_T: array<u32>;
@group(0) @binding(7) var<storage, read_write> gates_T: array<f32>;

const THREADS = 64u;
const HAS_ROOM = 0xffffffffu;
const TINY = 1e-20;
const ROUNDS = 6u;

/// The mixing function of PCG, O'Neill 2014, as one 32-bit hash.
fn mixed(x: u32) -> u32 {
  let state = x * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

/// p(j) of `places` places.
fn permuted(j: u32, places: u32, key: u32) -> u32 {
  let bits = max(1u, (33u - countLeadingZeros(places - 1u)) / 2u);
  let mask = (1u << bits) - 1u;
  var x = j;
  loop {
    var high = x >> bits;
    var low = x & mask;
    for (var round = 0u; round < ROUNDS; round++) {
      let next = high ^ (mixed(low ^ mixed(key + round)) & mask);
      high = low;
      low = next;
    }
    x = (high << bits) | low;
    if (x < places) { return x; }
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = (group.y * groups.x + group.x) * THREADS + lane;
  if (t >= params.T) { return; }
  let j = rank_T[t];
  let places = free_E[params.E];
  var expert = chosen_T[t];
  let isLeft = j != HAS_ROOM && (params.isRecycled == 0u || j >= places);
  if (j != HAS_ROOM && !isLeft) {
    let key = mixed(live.seed ^ mixed(live.step ^ mixed(live.microBatch ^ mixed(params.row))));
    let wanted = permuted(j, places, key);
    expert = 0u;
    while (free_E[expert + 1u] <= wanted) { expert++; }
  }
  let score = scores_TE[t * params.E + expert];
  let gate = params.routeScale * select(score, score / (score + TINY), params.isNormalised != 0u);
  selected_T[t] = expert;
  gates_T[t] = select(gate, 0.0, isLeft);
}
