// Embedding, backward pass: dtable[v] += scale * sum of dy[t] over the tokens t equal to v.
//
//   order_T    [T]      in      places of the tokens, sorted by token, then by place (made on the host)
//   starts     [V + 1]  in      first entry of order_T of each token id, and the end
//   dy_TD      [T, D]   in      gradient of the output
//   dtable_VD  [V, D]   in/out  added to
//
// One thread per channel of one row of the table; it walks over the places of its token in order, so the sum
// has a fixed order and needs no atomics. Dispatch: ceil(V * D / THREADS) workgroups, spread over x and y.

struct Params {
  V: u32,
  D: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> order_T: array<u32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> dy_TD: array<f32>;
@group(0) @binding(4) var<storage, read_write> dtable_VD: array<f32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.V * params.D) { return; }
  let v = i / params.D;
  let d = i % params.D;
  var sum = 0.0;
  for (var at = starts[v]; at < starts[v + 1u]; at++) { sum += dy_TD[order_T[at] * params.D + d]; }
  dtable_VD[i] += params.scale * sum;
}
