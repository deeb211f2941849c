// SwiGLU, four elements at a time: F is a multiple of 4. Formulas as in `swiglu.wgsl`, its plain twin.
//
//   x_T2F, y_TF, dy_TF, dx_T2F   as there
//
// One thread per four elements of y. Dispatch: ceil(T * F / 4 / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  F: u32,
  add: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x_T2F: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy_TF: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y_TF: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx_T2F: array<vec4f>;

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
  let width = params.F / 4u;
  if (i >= params.T * width) { return; }
  let at = i + i / width * width; // row t of x starts at 2 t F
  let gate = x_T2F[at];
  y_TF[i] = gate * sigmoid(gate) * x_T2F[at + width];
}

@compute @workgroup_size(THREADS)
fn backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  let width = params.F / 4u;
  if (i >= params.T * width) { return; }
  let at = i + i / width * width; // as above
  let gate = x_T2F[at];
  let up = x_T2F[at + width];
  let s = sigmoid(gate);
  let dy = dy_TF[i];
  let dgate = dy * up * s * (1.0 + gate * (1.0 - s));
  let dup = dy * gate * s;
  dx_T2F[at] = dgate + select(vec4f(), dx_T2F[at], params.add == 1u);
  dx_T2F[at + width] = dup + select(vec4f(), dx_T2F[at + width], params.add == 1u);
}
