// SwiGLU as the end of the product before it: appended to a kernel of `matmul` or `groupedMatmul` in the place of
// `matmul.epilogue.wgsl`. Formulas as in `swiglu.wgsl`. A four of the product is two elements of gate and the two of up
// beside them, so that one thread has both.
//
//   x_T2F  [T, 2 F]  out  the product: of each row F elements of gate, then F of up
//   y_TF   [T, F]    out  silu(gate) * up

@group(0) @binding(5) var<storage, read_write> x_T2F: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> y_TF: array<vec2f>;

/// Rows of the weight [2 F, K] that make four columns of the product; N is 2 F.
fn weightRows(column4: u32, N: u32) -> vec4u {
  return 2u * column4 + vec4u(0u, 1u, N / 2u, N / 2u + 1u);
}

/// One of the N4 fours of a row. An infinite exp would not be safe in WGSL.
fn store(row: u32, column4: u32, N4: u32, sum: vec4f) {
  let at = 2u * row * N4 + column4;
  x_T2F[at] = sum.xy;
  x_T2F[at + N4] = sum.zw;
  let gate = x_T2F[at]; // as it is stored, which may be in 16 bits
  let up = x_T2F[at + N4];
  y_TF[row * N4 + column4] = gate * (1.0 / (1.0 + exp(-max(gate, vec2f(-80.0))))) * up;
}

/// No symmetric product ends here.
fn mirror(row: u32, column4: u32, N4: u32, rows: mat4x4f) {}
