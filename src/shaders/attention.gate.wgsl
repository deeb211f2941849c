// Attention with a gate, what the backward pass needs of each query: the gradients before the gate and of the gate, and
// (lse, delta). With s = sigmoid(gate), Trinity, eq. 11-14, and z = y * s the output of the forward pass:
//   dy = dz * s,  dgate = dz * y * s * (1 - s)
//   delta = dy . y; Dao et al. 2022, arXiv:2205.14135, algorithm 4, line 19
//
//   y_TH, gate_TH, dz_TH  [T, H * C]  in
//   lse_TH                [T, H]      in
//   dy_TH                 [T, H * C]  out
//   dgate_TH              [T, H * C]  in/out  added to where params.add is 1, else overwritten
//   stats_TH              [T, H, 2]   out
//
// `fours` sums as the backward pass in fours does, to the bit: a query that sees one key then has exactly no gradient.
// One thread per query and head. Dispatch: ceil(T * H / THREADS) workgroups, spread over x and y.

struct Params {
  rows: u32,
  C: u32,
  add: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y_TH: array<f32>;
@group(0) @binding(2) var<storage, read> gate_TH: array<f32>;
@group(0) @binding(3) var<storage, read> dz_TH: array<f32>;
@group(0) @binding(4) var<storage, read> lse_TH: array<f32>;
@group(0) @binding(5) var<storage, read_write> dy_TH: array<f32>;
@group(0) @binding(6) var<storage, read_write> dgate_TH: array<f32>;
@group(0) @binding(7) var<storage, read_write> stats_TH: array<vec2f>;

const THREADS = 64u;

/// Of one channel: writes both gradients. Returns (y, dy).
fn passGate(at: u32) -> vec2f {
  // exp of a large positive number would be infinite, and infinity is not safe in WGSL.
  let s = 1.0 / (1.0 + exp(-max(gate_TH[at], -80.0)));
  let y = y_TH[at];
  let dz = dz_TH[at];
  dy_TH[at] = dz * s;
  dgate_TH[at] = dz * y * s * (1.0 - s) + select(0.0, dgate_TH[at], params.add == 1u);
  return vec2f(y, dz * s);
}

@compute @workgroup_size(THREADS)
fn fours(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.rows) { return; }
  var delta = 0.0;
  for (var c = i * params.C; c < (i + 1u) * params.C; c += 4u) {
    let four = mat4x2f(passGate(c), passGate(c + 1u), passGate(c + 2u), passGate(c + 3u));
    let columns = transpose(four);
    delta += dot(columns[1], columns[0]);
  }
  stats_TH[i] = vec2f(lse_TH[i], delta);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.rows) { return; }
  var delta = 0.0;
  for (var c = i * params.C; c < (i + 1u) * params.C; c++) {
    let both = passGate(c);
    delta += both.x * both.y;
  }
  stats_TH[i] = vec2f(lse_TH[i], delta);
}
