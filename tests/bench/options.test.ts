import { describe, expect, it } from 'vitest';
import { isWanted, readOptions } from '../../bench/options';

describe('readOptions', () => {
  it('reads all of them in any order', () => {
    const options = readOptions(
      ['--repeats', '4', '--quick', '--json', 'a.json', '--only', 'mat'],
      9,
    );
    expect(options).toEqual({ only: 'mat', isQuick: true, repeats: 4, json: 'a.json' });
  });

  it('repeats as often as the bench says, and less where it is quick', () => {
    expect(readOptions([], 9).repeats).toBe(9);
    expect(readOptions(['--quick'], 9).repeats).toBeLessThan(9);
  });

  it.each([
    [['--fast'], '--fast: no such option'],
    [['--only'], '--only: want a value'],
    [['--repeats', '0'], 'want a whole number from 1, got 0'],
    [['--repeats', 'many'], 'got many'],
  ])('refuses %j in one line', (args, message) => {
    expect(() => readOptions(args, 9)).toThrow(message);
  });
});

it('a pattern stands anywhere in a name, upper and lower case alike', () => {
  const { only } = readOptions(['--only', 'NN square'], 1);
  const options = { only, isQuick: false, repeats: 1, json: undefined };
  expect(isWanted('matmul nn square 512', options)).toBe(true);
  expect(isWanted('matmul nt square 512', options)).toBe(false);
});
