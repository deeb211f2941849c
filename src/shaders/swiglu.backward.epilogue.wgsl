// SwiGLU's way back as the end of the product that makes dy, called by its threads: appended to a kernel of
// `matmul` or `groupedMatmul` in the place of `matmul.epilogue.wgsl`. Formulas as in `swiglu.wgsl`; dy is not stored.
//
//   x_T2F   [T, 2 F]  in      of each row F elements of gate, then F of up
//   dx_T2F  [T, 2 F]  in/out  added to where params.add is 1, else overwritten

@group(0) @binding(5) var<storage, read> x_T2F: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> dx_T2F: array<vec4f>;

/// Rows of the weight that make four columns of the product, where it is stored so.
fn weightRows(column4: u32, N: u32) -> vec4u {
  return 4u * column4 + vec4u(0u, 1u, 2u, 3u);
}

/// One of the N4 fours of a row of dy. An infinite exp would not be safe.
fn store(row: u32, column4: u32, N4: u32, dy: vec4f) {
  let at = 2u * row * N4 + column4;
  let gate = x_T2F[at];
  let up = x_T2F[at + N4];
  let s = 1.0 / (1.0 + exp(-max(gate, vec4f(-80.0))));
  let dgate = dy * up * s * (1.0 + gate * (1.0 - s));
  let dup = dy * gate * s;
  dx_T2F[at] = dgate + select(vec4f(), dx_T2F[at], params.add == 1u);
  dx_T2F[at + N4] = dup + select(vec4f(), dx_T2F[at + N4], params.add == 1u);
}

/// No symmetric product ends here.
fn mirror(row: u32, column4: u32, N4: u32, rows: mat4x4f) {}
