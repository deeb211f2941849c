// Rotary positions: turns the pair (j, j + C/2) of every head by the angle position * base^(-2j/C).
// Su et al. 2021, arXiv:2104.09864, eq. 34, in the rotate-half layout of the checkpoints. It is its own
// backward pass with `turn` = -1. Angles come as a table, since WGSL's own sin and cos are coarse.
//
//   x_TD      [T, heads * C]  in      heads one behind the other
//   table_PC  [P, C]          in      cosines of position p in the first C/2, sines in the last
//   y_TD      [T, heads * C]  in/out  added to where params.add is 1, else overwritten
//
// Token t stands at position live.offset + t mod S. One thread per pair.
// Dispatch: ceil(T * heads * C / 2 / THREADS) workgroups, spread over x and y.

struct Params {
  pairs: u32,
  width: u32,
  C: u32,
  S: u32,
  turn: f32,
  add: u32,
}

struct Live {
  offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> x_TD: array<f32>;
@group(0) @binding(3) var<storage, read> table_PC: array<f32>;
@group(0) @binding(4) var<storage, read_write> y_TD: array<f32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  if (i >= params.pairs) { return; }
  let half = params.C / 2u;
  let head = i / half;
  let j = i % half;
  let at = head * params.C + j;
  let position = live.offset + (at / params.width) % params.S;
  let cosine = table_PC[position * params.C + j];
  let sine = params.turn * table_PC[position * params.C + half + j];
  let low = x_TD[at];
  let high = x_TD[at + half];
  let isAdding = params.add == 1u;
  y_TD[at] = low * cosine - high * sine + select(0.0, y_TD[at], isAdding);
  y_TD[at + half] = high * cosine + low * sine + select(0.0, y_TD[at + half], isAdding);
}
