import { describe, expect, it } from 'vitest';
import { resolve } from '@/engine/config/experiment';
import type { SettingsChanges } from '@/engine/config/settings';
import type { LiveBlock } from '@/engine/gpu/live';
import { setLiveValues } from '@/engine/train/liveValues';
import { RunState } from '@/engine/train/state';
import { tinyExperiment } from '../support/trainer';

const LIMITS = { maxBufferBytes: 2 ** 28, maxBindingBytes: 2 ** 27 };

/** What the device would read of a block. */
function valuesOf({ fields, view }: LiveBlock): Record<string, number> {
  const entries = Object.entries(fields).map(([name, type], i) => [
    name,
    type === 'u32' ? view.getUint32(4 * i, true) : view.getFloat32(4 * i, true),
  ]);
  return Object.fromEntries(entries) as Record<string, number>;
}

/** Blocks at a step of a run that was never started. */
function blocksAt(step: number, changes: SettingsChanges) {
  const settings = resolve(tinyExperiment(changes));
  const state = new RunState(settings, LIMITS, 32, 1);
  setLiveValues(state, settings, step, 1);
  return state.blocks;
}

describe('setLiveValues', () => {
  it('says by which rule the routers are balanced, and whether it centres', () => {
    const constants = { gamma: 0.25, lambda: 0.5, beta: 0.75, kappa: 4 };
    for (const recentre of [true, false]) {
      const { loadBalance } = blocksAt(0, { balance: { kind: 'sign', recentre, ...constants } });
      expect(valuesOf(loadBalance)).toEqual({ kind: 1, recentre: Number(recentre), ...constants });
    }
    const { loadBalance } = blocksAt(0, { balance: { kind: 'smebu' } });
    expect(valuesOf(loadBalance)['kind']).toBe(2);
  });

  it('gives the routed experts their own rate, and everything else the common one', () => {
    const optimizer = { adamwLearningRate: 0.5, muonLearningRate: 0.25, expertRateFactor: 0.125 };
    const rates = (expertRate: 'same' | 'fixed') => {
      const { adamw, muon } = blocksAt(1, {
        optimizer: { ...optimizer, expertRate },
        schedule: { warmupSteps: 4 },
      });
      return [...Object.entries(adamw), ...Object.entries(muon)].map(([group, block]) => [
        group,
        valuesOf(block)['lr'],
      ]);
    };
    const common = [
      ['embedding', 0.25],
      ['experts', 0.25],
      ['gains', 0.25],
      ['hidden', 0.25],
      ['experts', 0.125],
      ['hidden', 0.125],
    ];
    expect(rates('same')).toEqual(common);
    expect(rates('fixed')).toEqual(
      common.map(([group, rate]) => [group, Number(rate) * (group === 'experts' ? 0.125 : 1)]),
    );
  });
});
