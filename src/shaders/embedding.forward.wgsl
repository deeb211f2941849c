// Embedding, forward pass: y[t] = scale * table[tokens[t]].
// Trinity, eq. 39: scale is the square root of the model width.
//
//   tokens_T  [T]     in   token ids, below V
//   table_VD  [V, D]  in   embedding
//   y_TD      [T, D]  out
//
// One thread per element of y. Dispatch: ceil(T * D / THREADS) workgroups, spread over x and y.

struct Params {
  T: u32,
  D: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens_T: array<u32>;
@group(0) @binding(2) var<storage, read> table_VD: array<f32>;
@group(0) @binding(3) var<storage, read_write> y_TD: array<f32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.T * params.D) { return; }
  let t = i / params.D;
  y_TD[i] = params.scale * table_VD[tokens_T[t] * params.D + i % params.D];
}
