// Products of a subgroup by parts: appended to the kernels of `matmul` and `groupedMatmul` whose threads share what
// they load. A part is eight rows of A by four k, a four in each of the first LANES invocations: the four k of row
// `lane`, or, where TRANSPOSE_A is 1, four rows at k = lane / 2. All invocations of the subgroup have to call.

/// Row j is A[row j of the part, four k].
fn rowsOf(part: vec4f) -> array<vec4f, LANES> {
  let v0 = subgroupBroadcast(part, 0u);
  let v1 = subgroupBroadcast(part, 1u);
  let v2 = subgroupBroadcast(part, 2u);
  let v3 = subgroupBroadcast(part, 3u);
  let v4 = subgroupBroadcast(part, 4u);
  let v5 = subgroupBroadcast(part, 5u);
  let v6 = subgroupBroadcast(part, 6u);
  let v7 = subgroupBroadcast(part, 7u);
  if (TRANSPOSE_A == 0u) { return array(v0, v1, v2, v3, v4, v5, v6, v7); }
  let low = transpose(mat4x4f(v0, v2, v4, v6));
  let high = transpose(mat4x4f(v1, v3, v5, v7));
  return array(low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]);
}

/// Adds four k to the sums of a part; row j of `four` is B[k j, four columns].
fn accumulate(sums: ptr<function, array<vec4f, LANES>>, part: vec4f, four: mat4x4f) {
  let rows = rowsOf(part);
  for (var j = 0u; j < LANES; j++) {
    var s = (*sums)[j];
    s = fma(vec4f(rows[j].x), four[0], s);
    s = fma(vec4f(rows[j].y), four[1], s);
    s = fma(vec4f(rows[j].z), four[2], s);
    (*sums)[j] = fma(vec4f(rows[j].w), four[3], s);
  }
}
