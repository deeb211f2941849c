// Rounds float32 numbers to what MXFP8 hardware would see of them: E4M3 elements in blocks of 32 along the axis that
// a product sums over, each block with a common power of two.
//   scale = 2^(floor(log2 of the block's largest size) - 8), no less than 2^-127
//   y = scale * (x / scale to E4M3: nearest, ties to even, sizes past 448 become 448)
// OCP Microscaling Formats (MX) v1.0, 5.3 and 6.3. Where a block holds an infinity or a NaN its scale is NaN, and so
// the whole block (6.3 leaves infinities open). Integers throughout: no adapter rounds or flushes otherwise.
//
// axis: blocks along `length` of
//   x, y  [outer, length, inner]  in, out  float32 bits
// rows: blocks along the sorted rows r of each expert, counted from its first one
//   x         [.., inner]        in   float32 bits; r reads row source[r] / gather, or r where gather is 0
//   segments  [2 (outer + 1)]    in   from `dispatch.wgsl`: rows of `outer` experts, and their blocks of 32
//   source_R  [length]           in   from `dispatch.wgsl`
//   y         [length, inner]    out  float32 bits, in sorted order
//
// The last block of a line, or of an expert, is shorter where 32 does not divide it. One thread per block.
// Dispatch over all blocks (rows: (ceil(length / 32) + outer) * inner), spread over x and y.

struct Params {
  outer: u32,
  length: u32,
  inner: u32,
  gather: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> segments: array<u32>;
@group(0) @binding(3) var<storage, read> source_R: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;

const THREADS = 64u;
const BLOCK = 32u;
const SIZE = 0x7fffffffu;
const FRACTION = 0x7fffffu;
const NAN = 0x7fc00000u;
const NAN_SCALE = 255u;
/// Exponents of E4M3: of its largest number, 448 = 1.75 * 2^8, and of its smallest, 2^-9; and bits of its fraction.
const HIGHEST = 8u;
const LOWEST = 9;
const KEPT_BITS = 3;
const LARGEST_FRACTION = 0x600000u;

/// E8M0 scale of a block, biased by 127 like float32's exponents.
fn scaleOf(largest: u32) -> u32 {
  let exponent = largest >> 23u;
  if (exponent == NAN_SCALE) { return NAN_SCALE; }
  return max(exponent, HIGHEST) - HIGHEST;
}

fn rounded(bits: u32, scale: u32) -> u32 {
  if (scale == NAN_SCALE) { return NAN; }
  let size = bits & SIZE;
  let sign = bits ^ size;
  // size = mantissa * 2^(unit - 127), subnormal numbers too
  let unit = i32(max(size >> 23u, 1u)) - 23;
  let mantissa = (size & FRACTION) | select(0u, FRACTION + 1u, size > FRACTION);
  let top = unit + i32(firstLeadingBit(mantissa)); // of 0 the first is -1, and 0 stays 0 below
  let drop = u32(max(max(top - KEPT_BITS, i32(scale) - LOWEST) - unit, 0));
  if (drop > 24u) { return sign; }
  var kept = mantissa;
  if (drop > 0u) {
    let even = (mantissa >> drop) & 1u;
    kept = ((mantissa + (1u << (drop - 1u)) - 1u + even) >> drop) << drop;
  }
  if (kept == 0u) { return sign; }
  // kept is at most 2^24, so exact as a float32; its exponent is then moved by `unit`.
  let whole = bitcast<u32>(f32(kept));
  var result = kept << u32(max(unit + 22, 0)); // right where it is a subnormal number
  if (i32(whole >> 23u) + unit > 127) { result = bitcast<u32>(bitcast<i32>(whole) + ((unit - 127) << 23u)); }
  return sign | min(result, ((scale + HIGHEST) << 23u) | LARGEST_FRACTION);
}

@compute @workgroup_size(THREADS)
fn axis(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * THREADS + lane;
  let blocks = (params.length + BLOCK - 1u) / BLOCK;
  let line = index / params.inner / blocks;
  if (line >= params.outer) { return; }
  let first = (index / params.inner) % blocks * BLOCK;
  let count = min(BLOCK, params.length - first);
  let start = (line * params.length + first) * params.inner + index % params.inner;
  var largest = 0u;
  for (var j = 0u; j < count; j++) { largest = max(largest, x[start + j * params.inner] & SIZE); }
  let scale = scaleOf(largest);
  for (var j = 0u; j < count; j++) {
    let at = start + j * params.inner;
    y[at] = rounded(x[at], scale);
  }
}

/// Expert whose blocks hold `block`, by halving; the list of first blocks stands behind that of first rows.
fn expertAt(block: u32) -> u32 {
  var low = 0u;
  var high = params.outer - 1u;
  while (low < high) {
    let middle = (low + high + 1u) / 2u;
    if (segments[params.outer + 1u + middle] <= block) { low = middle; } else { high = middle - 1u; }
  }
  return low;
}

fn rowOf(r: u32) -> u32 {
  if (params.gather == 0u) { return r; }
  return source_R[r] / params.gather;
}

@compute @workgroup_size(THREADS)
fn rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * THREADS + lane;
  let block = index / params.inner;
  let column = index % params.inner;
  if (block >= segments[2u * params.outer + 1u]) { return; }
  let e = expertAt(block);
  let first = segments[e] + (block - segments[params.outer + 1u + e]) * BLOCK;
  let end = min(first + BLOCK, segments[e + 1u]);
  var largest = 0u;
  for (var r = first; r < end; r++) { largest = max(largest, x[rowOf(r) * params.inner + column] & SIZE); }
  let scale = scaleOf(largest);
  for (var r = first; r < end; r++) {
    y[r * params.inner + column] = rounded(x[rowOf(r) * params.inner + column], scale);
  }
}
