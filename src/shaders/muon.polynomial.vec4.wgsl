// The matrix that one Newton-Schulz round multiplies X by, with A = X X^T or X^T X, four columns at a time:
//   P = a I + b A + c A A
// The side is a multiple of 4; `muon.polynomial.wgsl` is the plain twin and says where the formula is from.
//
//   gram  [n, side, side]  in      A
//   p     [n, side, side]  in/out  holds A A, becomes P
//
// params.round picks the triple of live coefficients, 0 to 4.
// One thread per four of a row. Dispatch: ceil(side / 32) x ceil(side / 8) x n workgroups.

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
@group(0) @binding(2) var<storage, read> gram: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> p: array<vec4f>;

const THREADS = 64u;
const SIDE = 8u;

fn coefficients() -> vec3f {
  switch params.round {
    case 0u: { return vec3f(live.a0, live.b0, live.c0); }
    case 1u: { return vec3f(live.a1, live.b1, live.c1); }
    case 2u: { return vec3f(live.a2, live.b2, live.c2); }
    case 3u: { return vec3f(live.a3, live.b3, live.c3); }
    default: { return vec3f(live.a4, live.b4, live.c4); }
  }
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let wide = params.side / 4u;
  if (id.x >= wide || id.y >= params.side) { return; }
  let i = (id.z * params.side + id.y) * wide + id.x;
  let isDiagonal = vec4u(id.y) == 4u * id.x + vec4u(0u, 1u, 2u, 3u);
  let k = coefficients();
  p[i] = select(vec4f(), vec4f(k.x), isDiagonal) + k.y * gram[i] + k.z * p[i];
}
