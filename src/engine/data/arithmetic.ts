/**
 * @file Arithmetic with worked steps: sums and differences by columns, products by digits.
 *
 *   58 + 67
 *   8 + 7 = 15, write 5, carry 1
 *   5 + 6 + 1 = 12, write 12
 *   58 + 67 = 125
 */
import type { Random } from '@/engine/math/random';

const mostProblems = 4;
const mostDigits = 3;

/** One document, without its closing 0: a few problems with numbers of up to the same length. */
export function arithmeticDocument(random: Random): Uint32Array {
  const digits = random.between(1, mostDigits);
  const problems = Array.from({ length: random.between(1, mostProblems) }, () =>
    random.pick(kinds)(random, digits),
  );
  return Uint32Array.from(problems.join('\n'), (letter) => letter.charCodeAt(0));
}

const drawNumber = (random: Random, digits: number): number => random.below(10 ** digits);

/** Decimal digits, units first. */
const digitsOf = (number: number): number[] => [...String(number)].reverse().map(Number);

function sum(random: Random, digits: number): string {
  const first = drawNumber(random, digits);
  const second = drawNumber(random, digits);
  const [top, bottom] = [digitsOf(first), digitsOf(second)];
  const columns = Math.max(top.length, bottom.length);
  const lines: string[] = [];
  let carry = 0;
  for (let column = 0; column < columns; column++) {
    const terms = [top[column] ?? 0, bottom[column] ?? 0, ...(carry > 0 ? [carry] : [])];
    const total = terms.reduce((left, right) => left + right);
    const isLast = column === columns - 1;
    carry = total >= 10 && !isLast ? 1 : 0;
    const written = isLast ? total : total % 10;
    lines.push(
      `${terms.join(' + ')} = ${total}, write ${written}${carry > 0 ? `, carry ${carry}` : ''}`,
    );
  }
  return worked(`${first} + ${second}`, lines, first + second);
}

function difference(random: Random, digits: number): string {
  const [one, other] = [drawNumber(random, digits), drawNumber(random, digits)];
  const [first, second] = [Math.max(one, other), Math.min(one, other)];
  const bottom = digitsOf(second);
  const lines: string[] = [];
  let borrow = 0;
  for (const [column, digit] of digitsOf(first).entries()) {
    const taken = bottom[column] ?? 0;
    const lent = digit < taken + borrow ? 1 : 0;
    const terms = [digit + 10 * lent, taken, ...(borrow > 0 ? [borrow] : [])];
    const rest = terms.reduce((left, right) => left - right);
    lines.push(`${terms.join(' - ')} = ${rest}, write ${rest}${lent > 0 ? ', borrow 1' : ''}`);
    borrow = lent;
  }
  return worked(`${first} - ${second}`, lines, first - second);
}

/** By at most two digits, so that the steps stay few; the digits of a longer number are taken apart. */
function product(random: Random, digits: number): string {
  const first = drawNumber(random, digits);
  const second = drawNumber(random, Math.min(digits, 2));
  const [whole, apart] = second < 10 ? [second, first] : [first, second];
  const lines: string[] = [];
  let total = 0;
  for (const [column, digit] of digitsOf(apart).entries()) {
    const factor = digit * 10 ** column;
    const part = whole * factor;
    lines.push(`${whole} * ${factor} = ${part}`);
    if (column > 0) lines.push(`${total} + ${part} = ${total + part}`);
    total += part;
  }
  return worked(`${first} * ${second}`, lines, first * second);
}

const kinds = [sum, difference, product];

/** A single step would only say the result twice, so it is left out. */
function worked(problem: string, lines: readonly string[], result: number): string {
  const steps = lines.length > 1 ? lines : [];
  return `${[problem, ...steps, `${problem} = ${result}`].join('\n')}\n`;
}
