// Combine, backward pass.
//   dx[sorted r] = gate[r] dy[t],  dgate[r] = dy[t] . x[sorted r],  r = t K + k
//
//   x_RD, gates_TK, sorted_R  in  as in the forward pass
//   dy_TD     [T, D]  in
//   dx_RD     [R, D]  out
//   dgates_R  [R]     out
//
// One workgroup per row r; its threads stride over D. Dispatch: R workgroups, spread over x and y.

struct Params {
  R: u32,
  D: u32,
  K: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x_RD: array<f32>;
@group(0) @binding(2) var<storage, read> gates_R: array<f32>;
@group(0) @binding(3) var<storage, read> sorted_R: array<u32>;
@group(0) @binding(4) var<storage, read> dy_TD: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx_RD: array<f32>;
@group(0) @binding(6) var<storage, read_write> dgates_R: array<f32>;

const THREADS = 64u;
var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let r = group.y * groups.x + group.x;
  if (r >= params.R) { return; } // whole workgroup leaves, so the barriers below stay uniform
  let token = (r / params.K) * params.D;
  let place = sorted_R[r] * params.D;
  let gate = gates_R[r];
  var sum = 0.0;
  for (var d = lane; d < params.D; d += THREADS) {
    let dy = dy_TD[token + d];
    sum += dy * x_RD[place + d];
    dx_RD[place + d] = gate * dy;
  }
  partial[lane] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) { dgates_R[r] = partial[0]; }
}
