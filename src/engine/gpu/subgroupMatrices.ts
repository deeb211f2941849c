/**
 * @file Subgroup matrices: small matrices that a subgroup holds together and an adapter multiplies by instructions of its
 * own. An experiment of Dawn's that browsers offer only where they were told to allow unsafe WebGPU.
 */

export const MATRICES_FEATURE = 'chromium-experimental-subgroup-matrix' as GPUFeatureName;

/** Invocations of the subgroups that the kernels are written for. */
const SUBGROUP = 32;
/** Rows and columns of their matrices. */
const SIDE = 8;

/** What Dawn tells of one kind of matrix beside the feature; no standard names it yet. */
interface MatrixKind {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

type MatrixInfo = GPUAdapterInfo & { readonly subgroupMatrixConfigs?: Iterable<MatrixKind> };

/** Whether the adapter says that it multiplies f32 matrices of 8 x 8 by subgroups of 32. */
export function offersMatrices({ features, info }: Pick<GPUAdapter, 'features' | 'info'>): boolean {
  const { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs = [] } = info as MatrixInfo;
  return (
    features.has(MATRICES_FEATURE) &&
    [subgroupMinSize, subgroupMaxSize].every((size) => size === SUBGROUP) &&
    [...subgroupMatrixConfigs].some(
      ({ componentType, resultComponentType, M, N, K }) =>
        [componentType, resultComponentType].every((type) => type === 'f32') &&
        [M, N, K].every((side) => side === SIDE),
    )
  );
}

/** All that the kernels write with matrices, which is spelt otherwise from one version to the next. */
const WORDS = `
enable subgroups;
enable chromium_experimental_subgroup_matrix;
var<workgroup> memory: array<f32, 64>;
@compute @workgroup_size(${SUBGROUP})
fn main(@builtin(subgroup_id) subgroup: u32) {
  let left = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&memory, subgroup, 8u);
  let right = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, row_major>(&memory, subgroup, 8u);
  var sums: array<subgroup_matrix_result<f32, 8, 8>, 1>;
  sums[0] = subgroupMatrixMultiplyAccumulate(left, right, sums[0]);
  workgroupBarrier();
  subgroupMatrixStore<row_major>(&memory, subgroup, sums[0], 8u);
}`;

/** Whether the device reads the kernels' spelling. It never complains. */
export async function readsMatrices(device: GPUDevice): Promise<boolean> {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: 'subgroupMatrices', code: WORDS });
  const [error, { messages }] = await Promise.all([
    device.popErrorScope(),
    module.getCompilationInfo(),
  ]);
  return error === null && messages.every(({ type }) => type !== 'error');
}
