// Which expert, which row: appended to every kernel of `groupedMatmul`, whose params, segments and source_R it reads.
// A thread, or a workgroup, asks it where its part of the sorted rows lies. `segments`, from `dispatch.wgsl`, is the
// first row of each expert and the end of the last, then the same of their blocks.

/// Expert whose segment holds `at`, by halving; the list of firsts starts at segments[base].
fn expertAt(at: u32, base: u32) -> u32 {
  var low = 0u;
  var high = params.E - 1u;
  while (low < high) {
    let middle = (low + high + 1u) / 2u;
    if (segments[base + middle] <= at) { low = middle; } else { high = middle - 1u; }
  }
  return low;
}

/// Row of what the sorted row r is read from: a token, or the sorted row itself.
fn rowOf(r: u32) -> u32 {
  if (params.gather == 0u) { return r; }
  return source_R[r] / params.gather;
}
