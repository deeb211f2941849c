/** @file Draws the next token of a text on the device, so that generation never waits for a read-back. */

import { defineKernel } from '@/engine/gpu/kernel';
import type { LiveBlock } from '@/engine/gpu/live';
import { expectShape } from '@/engine/gpu/shape';
import type { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import wgsl from '@/shaders/sampleToken.wgsl?raw';

/**
 * `position` of the token that made the logits; `promptLength` tokens are given; `random` in [0, 1);
 * `inverseTemperature` 0 always takes the likeliest token.
 */
export const samplingFields = {
  position: 'u32',
  promptLength: 'u32',
  random: 'f32',
  inverseTemperature: 'f32',
} as const;

const kernel = defineKernel({
  name: 'sampleToken',
  wgsl,
  entryPoint: 'main',
  buffers: { logits_V: 'read', text: 'read_write', token: 'read_write' },
  params: { V: 'u32', P: 'u32' },
  live: samplingFields,
});

/**
 * @param logits_V [1, V]
 * @param text u32 [P]: the prompt, then what is drawn.
 * @param token u32 [1]: input of the next step.
 */
export function sampleToken(
  tape: Tape,
  logits_V: Tensor,
  text: Tensor,
  token: Tensor,
  live: LiveBlock<keyof typeof samplingFields>,
): void {
  const [, V] = expectShape('sampleToken logits_V', logits_V, 2);
  const [P] = expectShape('sampleToken text', text, 1);
  expectShape('sampleToken token', token, [1]);
  tape.dispatch(kernel, { logits_V, text, token }, { V, P }, 1, { live, cost: V });
}
