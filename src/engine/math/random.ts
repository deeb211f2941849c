/**
 * @file Seeded random numbers that are the same in every browser: 32-bit integer arithmetic only.
 *
 * The generator is xoshiro128** of Blackman and Vigna (arXiv:1805.01407, section 3.3); its four words are
 * filled by a Weyl sequence through the finaliser of MurmurHash3 (SplitMix in 32 bits, after Steele,
 * Lea and Flood 2014, doi:10.1145/2660193.2660195). Not for secrets.
 */

/** The four words of a generator: plain JSON, never all 0. */
export type RandomState = readonly [number, number, number, number];

/** Names a split: whole numbers of up to 32 bits, or words. */
export type SplitLabel = number | string;

const goldenGamma = 0x9e37_79b9;
const fnvOffset = 0x811c_9dc5;
const fnvPrime = 0x0100_0193;
const uint32Count = 2 ** 32;

/** A bijection of 32-bit words in which each bit of the input moves about half of the output's. */
function finalise(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

const rotateLeft = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/** FNV-1a over the UTF-16 units; a number is set apart from the word that it is written as. */
function hashLabel(label: SplitLabel): number {
  if (typeof label === 'number') return finalise(label ^ goldenGamma);
  let hash = fnvOffset;
  for (let index = 0; index < label.length; index++) {
    hash = Math.imul(hash ^ label.charCodeAt(index), fnvPrime);
  }
  return hash >>> 0;
}

/** Four words out of one or more: equal words in, equal state out. */
function expand(words: readonly number[]): RandomState {
  const lane = (index: number): number => {
    let hash = Math.imul(index + 1, goldenGamma);
    for (const word of words) hash = finalise((hash ^ word) + goldenGamma);
    return hash;
  };
  const state: RandomState = [lane(0), lane(1), lane(2), lane(3)];
  return state.some((word) => word !== 0) ? state : [goldenGamma, 0, 0, 0];
}

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  private constructor([a, b, c, d]: RandomState) {
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }

  /** @param seed 0 to 2^32 − 1. */
  static seeded(seed: number): Random {
    return new Random(expand([seed]));
  }

  /**
   * Goes on where `state` was taken.
   * @throws {RangeError} unless it is four 32-bit words, not all 0.
   */
  static fromState(state: RandomState): Random {
    const isWord = (word: number) => Number.isInteger(word) && word >= 0 && word < uint32Count;
    if (state.length !== 4 || !state.every(isWord) || !state.some((word) => word !== 0)) {
      throw new RangeError(`random state: want four 32-bit words, got ${JSON.stringify(state)}`);
    }
    return new Random(state);
  }

  state(): RandomState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0];
  }

  /**
   * A generator of its own for everything that the labels name. The parent does not move, so the
   * same labels give the same child until the parent draws, and siblings may be made in any order.
   */
  split(...labels: readonly SplitLabel[]): Random {
    return new Random(expand([...this.state(), ...labels.map(hashLabel)]));
  }

  /** Uniform over 0 to 2^32 − 1. */
  uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return result;
  }

  /** Uniform in [0, 1), with 32 random bits. */
  unit(): number {
    return this.uint32() / uint32Count;
  }

  /**
   * Uniform over 0 to count − 1, without bias: draws that fall into the incomplete last round are
   * thrown away.
   * @param count 1 to 2^32.
   */
  below(count: number): number {
    const limit = uint32Count - (uint32Count % count);
    let drawn = this.uint32();
    while (drawn >= limit) drawn = this.uint32();
    return drawn % count;
  }

  /** Uniform over the whole numbers from `first` to `last`, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** One of `items`, which must not be empty. */
  pick<T>(items: ArrayLike<T>): T {
    return items[this.below(items.length)]!;
  }

  /** Brings `items` into a uniformly random order, in place (Fisher and Yates). */
  shuffle(items: { [index: number]: unknown; readonly length: number }): void {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const kept = items[last];
      items[last] = items[other];
      items[other] = kept;
    }
  }
}
