import { describe, expect, it } from 'vitest';
import { reportText } from '../../bench/reportText';
import type { Report } from '../../bench/run';
import { summary } from '../../bench/statistics';

type Step = Report['steps'][number];

const step = (name: string, rounds: number[], sweep?: Step['sweep']): Step => ({
  name,
  ...(sweep ? { sweep } : {}),
  tokens: 100,
  rounds,
  ms: summary(rounds),
  encodeMs: summary([1]),
  parts: { microBatch: summary([1]), update: summary([1]) },
  flops: 1e9,
  dispatches: { step: 9, layer: 4 },
  submits: 1,
  bytes: { weights: 0, gradients: 0, optimizer: 0, activations: 2 ** 20, other: 0, total: 2 ** 20 },
  busiest: undefined,
  split: undefined,
});

const report = (changes: Partial<Report>): Report => ({
  date: '2020-01-01T00:00:00.000Z',
  adapter: { name: 'card', vendor: '', architecture: '', isSoftware: false },
  options: { only: '', isQuick: false, repeats: 1, json: undefined },
  peaks: { flops: 2e12, bytes: 1e11 },
  cases: [],
  steps: [],
  encoding: [],
  memory: [],
  ...changes,
});

describe('reportText', () => {
  it('says with every software adapter what its times are worth', () => {
    const adapter = { name: 'drawn', vendor: '', architecture: '', isSoftware: true };
    expect(reportText(report({ adapter }))).toContain('times elsewhere do not');
    expect(reportText(report({}))).not.toContain('times elsewhere do not');
  });

  it('gives the peaks in 10⁹ a second', () => {
    expect(reportText(report({}))).toContain(
      '2000 GFLOP/s f32 multiply-add in registers, 100 GB/s',
    );
  });

  it('compares the steps of a sweep within rounds, and finds its power', () => {
    const steps = [
      step('sweep tokens 1', [10, 100], { of: 'tokens', x: 1 }),
      step('sweep tokens 2', [20, 200], { of: 'tokens', x: 2 }),
      step('sweep tokens 4', [40, 400], { of: 'tokens', x: 4 }),
    ];
    const text = reportText(report({ steps }));
    expect(text).toContain('tokens: power 1.00');
    expect(text).toContain('sweep tokens 2 / sweep tokens 1: 2.00');
    expect(text).toContain('sweep tokens 4 / sweep tokens 1: 4.00');
  });

  it('compares by processor time where that is known', () => {
    const one = { ...step('mixture', [90]), processorRounds: [30], beside: 'dense' };
    const other = { ...step('dense', [10]), processorRounds: [20] };
    expect(reportText(report({ steps: [one, other] }))).toContain('dense: 1.50');
  });

  it('holds a case against the one beside it', () => {
    const steps = [step('dense', [10]), { ...step('mixture', [12]), beside: 'dense' }];
    expect(reportText(report({ steps }))).toContain('mixture / dense: 1.20');
  });

  it('says what encoding a step takes', () => {
    const encoding = [{ name: 'encode small', dispatches: 900, ms: summary([1, 2, 3]) }];
    expect(reportText(report({ encoding }))).toContain(
      'encode small: 2.00 ms (1.50 to 2.50) for 900 dispatches',
    );
  });

  it('says of memory what was planned and what was made', () => {
    const memory = [{ name: 'memory micro', planned: 2 ** 20, measured: 3 * 2 ** 19 }];
    expect(reportText(report({ memory }))).toContain(
      'memory micro: planned 1.00 MiB, measured 1.50 MiB (1.50x)',
    );
  });
});
