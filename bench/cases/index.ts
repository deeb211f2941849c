/** @file All single kernels and ops that are measured, in the order of a step. */
import type { BenchCase } from '../benchCase';
import { attentionCases } from './attention';
import { groupedMatmulCases } from './groupedMatmul';
import { layerCases } from './layers';
import { matmulCases } from './matmul';
import { optimizerCases } from './optimizers';

export const benchCases: readonly BenchCase[] = [
  ...matmulCases,
  ...groupedMatmulCases,
  ...attentionCases,
  ...layerCases,
  ...optimizerCases,
];
