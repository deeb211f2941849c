import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatFixed,
  formatMetric,
  formatRough,
  formatShort,
  parseNumber,
} from '@/ui/format/numbers';
import { changeWords, valueWords, withLabels } from '@/ui/format/settings';
import { sourceUrl } from '@/ui/format/sources';
import { visibleByte, visibleText } from '@/ui/format/text';

describe('numbers', () => {
  it('have a real minus, groups, and their digits', () => {
    expect(formatFixed(-1234.5, 2)).toBe('−1,234.50');
    expect(formatFixed(-0.0001, 2)).toBe('0.00');
    expect(formatFixed(Number.NaN, 2)).toBe('not a number');
    expect(formatFixed(Number.NEGATIVE_INFINITY, 2)).toBe('−infinite');
  });

  it('are as short as a person writes them', () => {
    expect([5e-4, 0.02, 0.95, 0, 10_000, 1e-12, -3e-5, 2.826].map(formatShort)).toEqual([
      '5e-4',
      '0.02',
      '0.95',
      '0',
      '10,000',
      '1e-12',
      '−3e-5',
      '2.826',
    ]);
  });

  it('are rough where three digits say it', () => {
    expect([1.2586, 0.0312, 3.14e-5, -0.182, 1234, 0].map(formatRough)).toEqual([
      '1.26',
      '0.0312',
      '3.1e-5',
      '−0.182',
      '1,234',
      '0.00',
    ]);
  });

  it('count parameters', () => {
    expect(
      [178_123, 1_312_000, 26_123_000_000, 398_600_000_000, 999_700, 12].map(formatCount),
    ).toEqual(['178 K', '1.31 M', '26.1 B', '399 B', '1.00 M', '12']);
  });

  it('say bytes in binary units', () => {
    expect(
      [0, 1000, 1024, 96 * 2 ** 20, 1.07 * 2 ** 30, 1023.9 * 2 ** 20].map(formatBytes),
    ).toEqual(['0 bytes', '1,000 bytes', '1.00 KiB', '96.0 MiB', '1.07 GiB', '1.00 GiB']);
  });

  it('follow the metrics table, and never write 0 for what is not', () => {
    expect(formatMetric('train.loss', 1.25864)).toEqual({ text: '1.2586', unit: 'nats' });
    expect(formatMetric('train.step', 1284)).toEqual({ text: '1,284', unit: '' });
    expect(formatMetric('train.zLoss', 3.14e-5)).toEqual({ text: '3.1e-5', unit: 'nats' });
    expect(formatMetric('train.zLoss', 0).text).toBe('0');
    expect(formatMetric('router.maxVio', 0).text).toBe('0.000');
    expect(formatMetric('eval.bitsPerByte', 1e-9).text).toBe('1e-9');
    expect(formatMetric('memory.deviceBytes', 22.9 * 2 ** 20)).toEqual({
      text: '22.9',
      unit: 'MiB',
    });
  });

  it('are read as a person types them', () => {
    expect(
      ['5e-4', '0,5', ' 1 000 ', '1,234', '−3', '.5', '1,234.5', '+2'].map(parseNumber),
    ).toEqual([5e-4, 0.5, 1000, 1234, -3, 0.5, 1234.5, 2]);
    expect(['', 'abc', '1e', '--1', '0x10', 'Infinity', '1.2.3'].map(parseNumber)).toEqual(
      Array(7).fill(undefined),
    );
  });

  it('come back from what is written', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-11, max: 1e6, noNaN: true }), (value) => {
        const read = parseNumber(formatShort(value));
        expect(Math.abs((read ?? Number.NaN) / value - 1)).toBeLessThan(1e-3);
      }),
    );
  });
});

describe('text', () => {
  it('shows control characters and hides nothing that steers', () => {
    expect(visibleText('a\u0007b\u001b[31m')).toBe('a\u2407b\u241b[31m');
    expect(visibleText('x\u202ey\u200bz\u007f\u0085')).toBe('x\ufffdy\ufffdz\u2421\ufffd');
    expect(visibleText('one\ntwo')).toBe('one\u23ce\ntwo');
    expect(visibleText('Grüße, 世界 <b>&')).toBe('Grüße, 世界 <b>&');
  });

  it('leaves no control or format character but its own line breaks', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(visibleText(text).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      }),
    );
  });

  it('names single bytes', () => {
    expect([104, 32, 10, 0, 200].map(visibleByte)).toEqual([
      '“h”',
      '“␣”',
      '“⏎”',
      '“␀”',
      'byte 200',
    ]);
  });

  it('says changes in the words of the table', () => {
    expect(changeWords({ step: 1, path: 'balance.kind', from: 'none', to: 'smebu' })).toBe(
      'Balancer none to SMEBU',
    );
    expect(changeWords({ step: 1, path: 'optimizer.muonLearningRate', from: 1e-3, to: 6e-4 })).toBe(
      'Muon learning rate 1e-3 to 6e-4',
    );
  });

  it('calls settings by their labels where a message has their paths', () => {
    expect(withLabels('3 does not divide model.headCount (4), nor 1.5 or a.b')).toBe(
      '3 does not divide Query heads (4), nor 1.5 or a.b',
    );
  });

  it('says every value, also an empty one', () => {
    expect(['smebu', '', 1e-6, false].map(valueWords)).toEqual(['SMEBU', 'empty', '1e-6', 'off']);
  });

  it('leads from a source to its paper', () => {
    expect(sourceUrl('Trinity, eq. 15')).toBe('https://arxiv.org/abs/2602.17004');
    expect(sourceUrl('arXiv:1910.07467, eq. 4')).toBe('https://arxiv.org/abs/1910.07467');
    expect(sourceUrl('dots.llm1, 4.2; Hunyuan-Large, 2.3')).toBe(
      'https://arxiv.org/abs/2506.05767',
    );
    expect(sourceUrl('Hunyuan-Large code')).toBe('https://arxiv.org/abs/2411.02265');
    expect(sourceUrl('ours')).toBeUndefined();
  });
});
