// Measured attention of one head over the first `side` tokens of one sequence, for a view.
//   map[i, j] = exp(scale * q_i . k_j - lse_i) where i may see j, else 0
//
//   q_TH, k_TG, lse_TH, documents_T  in   as in `attention.forward.wgsl`
//   map  [side, side]                out  query by row
//
// One thread per cell. Dispatch: ceil(side * side / THREADS) workgroups, spread over x and y.

struct Params {
  S: u32,
  H: u32,
  G: u32,
  C: u32,
  window: u32,
  masked: u32,
  scale: f32,
  side: u32,
}

struct Live {
  head: u32,
  sequence: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> q_TH: array<f32>;
@group(0) @binding(3) var<storage, read> k_TG: array<f32>;
@group(0) @binding(4) var<storage, read> lse_TH: array<f32>;
@group(0) @binding(5) var<storage, read> documents_T: array<u32>;
@group(0) @binding(6) var<storage, read_write> map: array<f32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let cell = (group.y * groups.x + group.x) * THREADS + lane;
  if (cell >= params.side * params.side) { return; }
  let i = cell / params.side;
  let j = cell % params.side;
  let first = live.sequence * params.S;
  let isHidden = j > i || i - j >= params.window ||
    (params.masked == 1u && documents_T[first + i] != documents_T[first + j]);
  if (isHidden) {
    map[cell] = 0.0;
    return;
  }
  let row = (first + i) * params.H + live.head;
  let key = (first + j) * params.G + live.head * params.G / params.H;
  var score = 0.0;
  for (var c = 0u; c < params.C; c++) { score += q_TH[row * params.C + c] * k_TG[key * params.C + c]; }
  map[cell] = exp(params.scale * score - lse_TH[row]);
}
