/** Small texts for data tests: every document can be told from every other by its first letters. */

import { layered } from '@/engine/config/experiment';
import type { Settings, SettingsChanges } from '@/engine/config/settings';
import type { Corpora } from '@/engine/data/domains';

const encoder = new TextEncoder();

/** `count` documents, named and of uneven lengths, without their closing 0. */
export const documentTexts = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => {
    const words = Array.from({ length: (index * 7) % 23 }, (_, word) => `${name}${index * word}`);
    return `${name} ${index}: ${words.join(' ')}`;
  });

export const corpusOf = (texts: readonly string[]): Uint8Array =>
  encoder.encode(texts.map((text) => `${text}\0`).join(''));

export const texts = {
  novel: documentTexts('whale', 30),
  speeches: documentTexts('union', 12),
  code: documentTexts('const', 45),
};

export const corpora: Corpora = {
  novel: corpusOf(texts.novel),
  speeches: corpusOf(texts.speeches),
  code: corpusOf(texts.code),
};

export const ownText: Uint8Array = encoder.encode(
  Array.from({ length: 400 }, (_, index) => `my own line ${index}\n`).join(''),
);

export const settingsWith = (changes: SettingsChanges): Settings =>
  layered({ id: 'test', label: '', help: '', source: '', changes }, {});

export const textOf = (tokens: ArrayLike<number>): string =>
  new TextDecoder().decode(Uint8Array.from(Array.from(tokens)));
