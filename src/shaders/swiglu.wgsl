// SwiGLU without its matrices: y = silu(gate) * up,  silu(g) = g * sigmoid(g).
// Shazeer 2020, arXiv:2002.05202, eq. 6.
//   backward: dup = dy * silu(gate),  dgate = dy * up * s * (1 + gate * (1 - s)),  s = sigmoid(gate)
//
//   up_N, gate_N  [N]  in
//   y_N           [N]  out     `forward`
//   dy_N          [N]  in      `backward`
//   dup_N         [N]  in/out  added to where params.addUp is 1, else overwritten
//   dgate_N       [N]  in/out  added to where params.addGate is 1, else overwritten
//
// One thread per four elements; the last four may reach into padding.
// Dispatch: ceil(N4 / THREADS) workgroups, spread over x and y.

struct Params {
  N4: u32,
  addUp: u32,
  addGate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> up_N: array<vec4f>;
@group(0) @binding(2) var<storage, read> gate_N: array<vec4f>;
@group(0) @binding(3) var<storage, read> dy_N: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y_N: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dup_N: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> dgate_N: array<vec4f>;

const THREADS = 64u;

/// exp of a large positive number would be infinite, and infinity is not safe in WGSL.
fn sigmoid(x: vec4f) -> vec4f {
  return 1.0 / (1.0 + exp(-max(x, vec4f(-80.0))));
}

@compute @workgroup_size(THREADS)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.N4) { return; }
  y_N[i] = gate_N[i] * sigmoid(gate_N[i]) * up_N[i];
}

@compute @workgroup_size(THREADS)
fn backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.N4) { return; }
  let gate = gate_N[i];
  let s = sigmoid(gate);
  let dy = dy_N[i];
  dup_N[i] = dy * gate * s + select(vec4f(), dup_N[i], params.addUp == 1u);
  dgate_N[i] = dy * up_N[i] * s * (1.0 + gate * (1.0 - s)) + select(vec4f(), dgate_N[i], params.addGate == 1u);
}
