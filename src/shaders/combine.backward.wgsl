// Combine, backward pass.
//   dx[sorted r] = gate[r] dy[t],  dgate[r] = dy[t] . x[sorted r],  r = t K + k
//
//   x_RD, gates_TK, sorted_R  in  as in the forward pass
//   dy_TD     [T, D]  in
//   dx_RD     [R, D]  out
//   dgates_R  [R]     out
//
// One thread per row r: no shared memory, which software adapters punish.
// Dispatch: ceil(R / THREADS) workgroups, spread over x and y.

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

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let r = (group.y * groups.x + group.x) * THREADS + lane;
  if (r >= params.R) { return; }
  let token = (r / params.K) * params.D;
  let place = sorted_R[r] * params.D;
  let gate = gates_R[r];
  var sum = 0.0;
  for (var d = 0u; d < params.D; d++) {
    let dy = dy_TD[token + d];
    sum += dy * x_RD[place + d];
    dx_RD[place + d] = gate * dy;
  }
  dgates_R[r] = sum;
}
