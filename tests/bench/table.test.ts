import { describe, expect, it } from 'vitest';
import { percent, short, table } from '../../bench/table';

describe('short', () => {
  it.each([
    [0, '0.00'],
    [0.012345, '0.0123'],
    [4.5678, '4.57'],
    [45.678, '45.7'],
    [456.78, '457'],
    [45678, '45678'],
    [Number.NaN, '-'],
    [Number.POSITIVE_INFINITY, '-'],
  ])('%d is %s', (value, text) => {
    expect(short(value)).toBe(text);
  });
});

it('percent has one digit behind the point', () => {
  expect(percent(0.6049)).toBe('60.5 %');
});

it('a table sets words left and numbers right, without spaces at the end', () => {
  const rows = [
    { name: 'a', size: '1' },
    { name: 'long', size: '234' },
  ];
  const text = table(
    [
      { title: 'name', cell: ({ name }: (typeof rows)[number]) => name, isText: true },
      { title: 'n', cell: ({ size }) => size },
    ],
    rows,
  );
  expect(text).toBe('name    n\na       1\nlong  234');
});
