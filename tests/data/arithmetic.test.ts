import { expect, test } from 'vitest';
import { arithmeticDocument } from '@/engine/data/arithmetic';
import { Random } from '@/engine/math/random';
import { textOf } from './texts';

const documents = Array.from({ length: 600 }, (_, seed) =>
  textOf(arithmeticDocument(Random.seeded(seed))),
);

/** Value of `7 + 6 + 1`, `12 - 7 - 1` or `34 * 20`, from left to right. */
function resultOf(terms: string): number {
  const [first, ...rest] = terms.split(' ');
  let value = Number(first);
  for (let index = 0; index < rest.length; index += 2) {
    const operand = Number(rest[index + 1]);
    if (rest[index] === '+') value += operand;
    else if (rest[index] === '-') value -= operand;
    else value *= operand;
  }
  return value;
}

test('every line that says something equals something is right', () => {
  let equations = 0;
  for (const line of documents.join('\n').split('\n')) {
    const equation = /^([\d +*-]+) = (\d+)/.exec(line);
    if (!equation) continue;
    equations++;
    expect(`${line}: ${resultOf(equation[1]!)}`).toBe(`${line}: ${Number(equation[2])}`);
  }
  expect(equations).toBeGreaterThan(2000);
});

test('what the columns write, read upwards, is the result', () => {
  const problems = documents.flatMap((text) => text.trim().split('\n\n'));
  const byColumns = problems.filter((problem) => problem.includes('write'));
  expect(byColumns.length).toBeGreaterThan(300);
  for (const problem of byColumns) {
    const written = [...problem.matchAll(/write (\d+)/g)].map((match) => match[1]!);
    const result = problem.split(' = ').at(-1)!;
    expect(`${problem}\n${Number(written.reverse().join(''))}`).toBe(`${problem}\n${result}`);
  }
});

test('a carry or a borrow of one column stands in the next', () => {
  for (const problem of documents.flatMap((text) => text.trim().split('\n\n'))) {
    const columns = problem.split('\n').filter((line) => line.includes('write'));
    for (const [index, line] of columns.entries()) {
      const hasThird = line.split(' = ')[0]!.split(' ').length === 5;
      const owed = index > 0 && /carry 1|borrow 1/.test(columns[index - 1]!);
      expect(`${problem}: ${line} ${hasThird}`).toBe(`${problem}: ${line} ${owed}`);
    }
  }
});

test('sums, differences and products all occur, with one to three digits', () => {
  const text = documents.join('\n');
  for (const sign of ['+', '-', '*']) expect(text).toContain(`\n1 ${sign} `);
  expect(text).toMatch(/^\d{3} \+ \d{3}$/m);
  expect(text).toMatch(/^\d{3} \* \d{2}$/m);
  expect(documents.some((one) => !/\d\d/.test(one))).toBe(true);
});

test('no document holds the token that closes it', () => {
  for (const text of documents) expect(text).toMatch(/^[\da-z +*=,\n-]+$/);
});
