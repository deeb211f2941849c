import { describe, expect, it } from 'vitest';
import {
  changeVariance,
  isSpike,
  isStabilityState,
  kurtosis,
  Stability,
} from '@/engine/train/stability';
import { noise } from '../support/gradient';

describe('figures', () => {
  it('take half the mean squared change as the variance', () => {
    expect(changeVariance([1, 2, 4])).toBe((1 + 4) / 2 / 2);
    expect(changeVariance([3, 3, 3])).toBe(0);
    expect(changeVariance([5])).toBeUndefined();
  });

  it('take the fourth over the squared second moment as the kurtosis', () => {
    expect(kurtosis([1, 2, 3, 4, 5])).toBeCloseTo(1.7, 12); // moments 2 and 6.8
    expect(kurtosis([0, 0, 0, 0, 10])).toBeCloseTo(3.25, 12); // moments 16 and 832
    expect(kurtosis([4, 4, 4, 4])).toBeUndefined();
    expect(kurtosis([1, 2, 9])).toBeUndefined();
  });
});

describe('a spike', () => {
  /** 50 values around 2, half their absolute deviations below 0.05. */
  const before = Array.from({ length: 50 }, (_, i) => 2 + 0.05 * (i % 2 ? 1 : -1));

  it('stands more than six scaled median deviations above the median', () => {
    const limit = 2 + 6 * 1.4826 * 0.05;
    expect(isSpike(limit + 1e-3, before)).toBe(true);
    expect(isSpike(limit - 1e-3, before)).toBe(false);
    expect(isSpike(0, before)).toBe(false);
  });

  it('is not hidden by the spikes before it', () => {
    const spoiled = before.map((value, i) => (i % 5 === 0 ? 9 : value));
    expect(isSpike(4, spoiled)).toBe(true);
  });

  it('is no ripple of a loss at rest, and needs 50 steps before it', () => {
    const still = new Array<number>(50).fill(2);
    expect(isSpike(2.11, still)).toBe(false);
    expect(isSpike(2.13, still)).toBe(true);
    expect(isSpike(100, still.slice(1))).toBe(false);
  });
});

describe('the tracker', () => {
  const losses = [...noise(400, 5, 0.1)].map((value, step) => 2 + value + (step === 300 ? 5 : 0));
  const norms = [...noise(400, 6, 0.5)].map((value) => 1 + Math.abs(value));
  const fed = (steps: number, tracker = new Stability(), from = 0) => {
    for (let i = from; i < steps; i++) tracker.add(losses[i]!, norms[i]!);
    return tracker;
  };

  it('looks back on 200 steps', () => {
    const { values } = fed(400);
    expect(values['train.lossVariance']).toBe(changeVariance(losses.slice(-201)));
    expect(values['train.gradientKurtosis']).toBe(kurtosis(norms.slice(-200)));
    expect(values['train.spikes']).toBe(1);
    expect(fed(300).values['train.spikes']).toBe(0);
  });

  it('tells each figure only from where it means something', () => {
    expect(fed(1).values).toEqual({});
    expect(Object.keys(fed(3).values)).toEqual(['train.lossVariance']);
    expect(Object.keys(fed(50).values)).not.toContain('train.spikes');
    expect(fed(51).values['train.spikes']).toBe(0);
  });

  it.each([0, 3, 120, 301])('goes on from step %i, through JSON, as if never stopped', (step) => {
    // three more steps have arrived by the time somebody asks
    const state = JSON.parse(JSON.stringify(fed(step + 3).state(step)));
    expect(isStabilityState(state, step)).toBe(true);
    const resumed = new Stability();
    resumed.restore(state);
    expect(resumed.state(step)).toEqual(state);
    const straight = fed(step);
    for (let i = step; i < 400; i++) {
      resumed.add(losses[i]!, norms[i]!);
      straight.add(losses[i]!, norms[i]!);
      expect(resumed.values).toEqual(straight.values);
    }
    expect(resumed.state(400)).toEqual(straight.state(400));
  });

  it('forgets on a restart, and refuses the state of a step that it does not know', () => {
    const tracker = fed(60);
    expect(() => tracker.state(61)).toThrow('step 61');
    tracker.restore();
    expect(tracker.values).toEqual({});
    expect(tracker.state(0)).toEqual(new Stability().state(0));
    expect(fed(400).state(384).crossEntropies.length).toBe(201);
    expect(() => fed(400).state(383)).toThrow('step 383');
  });

  it.each([
    undefined,
    {},
    { ...fed(10).state(10), step: 9 },
    { ...fed(10).state(10), spikes: -1 },
    { ...fed(10).state(10), gradientNorms: [1] },
    { ...fed(10).state(10), crossEntropies: new Array(10).fill(null) },
    {
      ...fed(10).state(10),
      crossEntropies: losses.slice(0, 11),
      gradientNorms: norms.slice(0, 11),
    },
  ])('knows a damaged state: %#', (damaged) => {
    expect(isStabilityState(damaged, 10)).toBe(false);
  });
});
