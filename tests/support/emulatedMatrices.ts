/**
 * @file Subgroup matrices in plain WGSL, for adapters that have none. What a kernel does with them, its loads, edges and
 * stores, runs as it is written; the sums are made in the order of k.
 */

/** Where a matrix lies that is multiplied, and from row to row; two elements of a result that each of 32 invocations has. */
const FUNCTIONS = `
alias Factor = vec2u;
alias Result = vec2f;
var<private> lane: u32;
fn loadMatrix(memory: ptr<workgroup, array<f32, 4096>>, at: u32, stride: u32) -> Factor { return vec2u(at, stride); }
fn storeMatrix(memory: ptr<workgroup, array<f32, 4096>>, at: u32, sums: Result, stride: u32) {
  let first = at + lane / 4u * stride + 2u * (lane % 4u);
  (*memory)[first] = sums.x;
  (*memory)[first + 1u] = sums.y;
}
fn multiplyMatrices(left: Factor, right: Factor, sums: Result) -> Result {
  var result = sums;
  for (var k = 0u; k < 8u; k++) {
    let row = right.x + k * right.y + 2u * (lane % 4u);
    result = fma(vec2f(memory[left.x + lane / 4u * left.y + k]), vec2f(memory[row], memory[row + 1u]), result);
  }
  return result;
}
`;

/** A shader's module with its matrices emulated, for `vi.mock`. @throws {Error} where something of them is left. */
export function emulated(shader: { default: string }): { default: string } {
  const text = shader.default
    .replace('enable subgroups;\nenable chromium_experimental_subgroup_matrix;\n', '')
    .replace('@builtin(subgroup_id) subgroup: u32,', '')
    .replace(/(fn main\([^{]*\{)/, '$1\n  lane = local % 32u;\n  let subgroup = local / 32u;')
    .replace(/subgroup_matrix_(?:left|right)<f32, 8, 8>/g, 'Factor')
    .replaceAll('subgroup_matrix_result<f32, 8, 8>', 'Result')
    .replaceAll('subgroupMatrixLoad<Factor, row_major>', 'loadMatrix')
    .replaceAll('subgroupMatrixStore<row_major>', 'storeMatrix')
    .replaceAll('subgroupMatrixMultiplyAccumulate', 'multiplyMatrices');
  const left = /subgroup_?[mM]atrix/.exec(text.replace(/\/\/.*$/gm, ''));
  if (left) throw new Error(`${left[0]} is not emulated`);
  return { default: text + FUNCTIONS };
}
