/** @file Products of two matrices in all forms. */
import { matmul } from '@/engine/ops/matmul';
import { type BenchCase, words } from '../benchCase';
import { forms, productFlops, productShapes } from '../products';

export const matmulCases: readonly BenchCase[] = Object.entries(productShapes).flatMap(
  ([name, shape]) =>
    forms.map((form): BenchCase => {
      const { M, N, K } = shape;
      return {
        name: `matmul ${form} ${name}`,
        shape,
        flops: productFlops(shape),
        bytes: words(M * K + K * N + M * N),
        record(bench) {
          const [a, b] = [bench.noise([M * K]), bench.noise([K * N])];
          const into = { tensor: bench.tensor([M, N]), add: 0 } as const;
          matmul(bench.tape, { form, a, b, into, ...shape });
        },
      };
    }),
);
