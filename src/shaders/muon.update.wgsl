// Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon), all but its matrix products.
// With G the clipped gradient of one matrix:
//   M = mu M + G;   U = M, or G + mu M with Nesterov;   X = U / (||U||_F + eps)      before
//   W = W (1 - lr decay) - lr scale X                                                 after
// scale, by live.rateRule; decay takes the plain rate:
//   0 fan       sqrt(max(1, rows / columns))     Trinity, arXiv:2602.17004, eq. 41
//   1 spectral  sqrt(rows / columns)             as microsoft/dion; arXiv:2310.17813
//   2 rms       0.2 sqrt(max(rows, columns))     arXiv:2502.16982, 2.2
//
//   weights    [N]         in/out  flat: matrices of rows x columns, one behind the other
//   gradients  [N]         in      before clipping
//   momentum   [N]         in/out  M
//   clip       [4]         in      norm, scale, isHalted, unused; where halted, no state is written
//   x          [.., size]  in/out  the smaller side by the larger one: tall matrices are transposed
//   partial    [.., P]     in/out  sums of squares of P parts of each matrix
//
// n matrices, from element params.first of the flat tensors on; in x and partial behind params.place others.
//
// accumulate: M, U into x, and partial.  One workgroup per part.  Dispatch: n * P workgroups.
// normalise:  x / (norm + eps).          One workgroup per part.  Dispatch: n * P workgroups.
// apply:      W from x.                  One thread per element.  Dispatch: ceil(n size / THREADS).
// All spread over x and y.

struct Params {
  n: u32,
  first: u32,
  place: u32,
  P: u32,
  rows: u32,
  columns: u32,
}

struct Live {
  lr: f32,
  rateRule: u32,
  momentum: f32,
  nesterov: u32,
  weightDecay: f32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read> gradients: array<f32>;
@group(0) @binding(4) var<storage, read_write> momentum: array<f32>;
@group(0) @binding(5) var<storage, read> clip: array<f32>;
@group(0) @binding(6) var<storage, read_write> x: array<f32>;
@group(0) @binding(7) var<storage, read_write> partial: array<f32>;

const THREADS = 64u;
const SPECTRAL = 1u;
const RMS = 2u;
// What the entries of an AdamW step come to, as a root mean square.
const ADAMW_RMS = 0.2;
var<workgroup> lanes: array<f32, THREADS>;

/// Elements of one matrix.
fn matrixSize() -> u32 { return params.rows * params.columns; }

/// Where element i of a matrix stands in its part of x.
fn placeOf(i: u32) -> u32 {
  if (params.rows <= params.columns) { return i; }
  return i % params.columns * params.rows + i / params.columns;
}

fn rateScale() -> f32 {
  let rows = f32(params.rows);
  let columns = f32(params.columns);
  if (live.rateRule == RMS) { return ADAMW_RMS * sqrt(max(rows, columns)); }
  let ratio = rows / columns;
  return sqrt(select(max(1.0, ratio), ratio, live.rateRule == SPECTRAL));
}

@compute @workgroup_size(THREADS)
fn accumulate(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = group.y * groups.x + group.x;
  // The whole workgroup leaves in both cases, so the barriers below stay uniform.
  if (part >= params.n * params.P || clip[2] != 0.0) { return; }
  let size = matrixSize();
  let matrix = part / params.P * size;
  let xStart = params.place * size + matrix;
  var sum = 0.0;
  for (var i = (part % params.P) * THREADS + lane; i < size; i += params.P * THREADS) {
    let at = params.first + matrix + i;
    let g = clip[1] * gradients[at];
    let m = live.momentum * momentum[at] + g;
    momentum[at] = m;
    let u = select(m, g + live.momentum * m, live.nesterov == 1u);
    x[xStart + placeOf(i)] = u;
    sum += u * u;
  }
  lanes[lane] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { lanes[lane] += lanes[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) { partial[params.place * params.P + part] = lanes[0]; }
}

@compute @workgroup_size(THREADS)
fn normalise(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = group.y * groups.x + group.x;
  if (part >= params.n * params.P) { return; }
  let index = params.place + part / params.P;
  // Every thread adds up the few partials by itself: no barrier, and always the same order.
  var sum = 0.0;
  for (var p = 0u; p < params.P; p++) { sum += partial[index * params.P + p]; }
  let scale = 1.0 / (sqrt(sum) + live.eps);
  let size = matrixSize();
  let matrix = index * size;
  for (var i = (part % params.P) * THREADS + lane; i < size; i += params.P * THREADS) {
    x[matrix + i] *= scale;
  }
}

@compute @workgroup_size(THREADS)
fn apply(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  let size = matrixSize();
  if (i >= params.n * size || clip[2] != 0.0) { return; }
  let at = params.first + i;
  let decayed = weights[at] * (1.0 - live.lr * live.weightDecay);
  weights[at] = decayed - live.lr * rateScale() * x[(params.place + i / size) * size + placeOf(i % size)];
}
