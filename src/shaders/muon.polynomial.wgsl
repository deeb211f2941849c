// The matrix that one Newton-Schulz round multiplies X by, with A = X X^T or X^T X:
//   P = a I + b A + c A A
// Kovarik 1970 (doi:10.1137/0707031) and Björck & Bowie 1971; the odd quintic with free
// coefficients as in Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon).
//
//   gram  [n, side, side]  in      A
//   p     [n, side, side]  in/out  holds A A, becomes P
//
// params.round picks the triple of live coefficients, 0 to 4.
// One thread per element. Dispatch: ceil(n side side / THREADS) workgroups, spread over x and y.

struct Params {
  n: u32,
  side: u32,
  round: u32,
}

struct Live {
  a0: f32, b0: f32, c0: f32,
  a1: f32, b1: f32, c1: f32,
  a2: f32, b2: f32, c2: f32,
  a3: f32, b3: f32, c3: f32,
  a4: f32, b4: f32, c4: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> gram: array<f32>;
@group(0) @binding(3) var<storage, read_write> p: array<f32>;

const THREADS = 64u;

fn coefficients() -> vec3f {
  switch params.round {
    case 0u: { return vec3f(live.a0, live.b0, live.c0); }
    case 1u: { return vec3f(live.a1, live.b1, live.c1); }
    case 2u: { return vec3f(live.a2, live.b2, live.c2); }
    case 3u: { return vec3f(live.a3, live.b3, live.c3); }
    default: { return vec3f(live.a4, live.b4, live.c4); }
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * THREADS + lane;
  let square = params.side * params.side;
  if (i >= params.n * square) { return; }
  // On the diagonal, row and column of the element agree.
  let within = i % square;
  let isDiagonal = within / params.side == within % params.side;
  let k = coefficients();
  p[i] = select(0.0, k.x, isDiagonal) + k.y * gram[i] + k.z * p[i];
}
