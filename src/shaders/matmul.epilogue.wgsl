// The end of a product by fours that leaves its sums as they are: what stands here is appended to a kernel of `matmul`
// or `groupedMatmul`, whose threads call it for each four. Another end: `swiglu.epilogue.wgsl`.
//
//   c  [rows, N]  in/out  added to where params.add is 1, else overwritten

@group(0) @binding(5) var<storage, read_write> c: array<vec4f>;

/// Rows of the weight [N, K] that make four columns of the product.
fn weightRows(column4: u32, N: u32) -> vec4u {
  return 4u * column4 + vec4u(0u, 1u, 2u, 3u);
}

/// One of the N4 fours of a row.
fn store(row: u32, column4: u32, N4: u32, sum: vec4f) {
  let at = row * N4 + column4;
  c[at] = sum + select(vec4f(), c[at], params.add == 1u);
}

/// Row j of the product gets column j of `rows`, its four `column4`.
fn mirror(row: u32, column4: u32, N4: u32, rows: mat4x4f) {
  let columns = transpose(rows);
  for (var j = 0u; j < 4u; j++) { c[(row + j) * N4 + column4] = columns[j]; }
}
