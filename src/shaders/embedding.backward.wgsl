// Embedding, backward pass: dtable[v] += scale * sum of dy[t] over the tokens t equal to v.
//
//   tokens_T   [T]     in      token ids
//   dy_TD      [T, D]  in      gradient of the output
//   dtable_VD  [V, D]  in/out  added to
//
// One thread per channel of one row of the table; it walks over all tokens in order, so the sum has a fixed
// order and needs no atomics. Dispatch: ceil(D / THREADS) x V workgroups, V spread over y and z.

struct Params {
  T: u32,
  D: u32,
  V: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens_T: array<u32>;
@group(0) @binding(2) var<storage, read> dy_TD: array<f32>;
@group(0) @binding(3) var<storage, read_write> dtable_VD: array<f32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let v = group.z * groups.y + group.y;
  let d = group.x * THREADS + lane;
  if (v >= params.V || d >= params.D) { return; }
  var sum = 0.0;
  for (var t = 0u; t < params.T; t++) {
    if (tokens_T[t] == v) { sum += dy_TD[t * params.D + d]; }
  }
  dtable_VD[v * params.D + d] += params.scale * sum;
}
