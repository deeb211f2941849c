/** @file The tokenizer of bytes: every byte has its own letter, those that byte-level tokenizers give it. */
import { expect, it } from 'vitest';
import { byteTokenizer } from '@/engine/files/byteTokenizer';

const files = byteTokenizer(128);
const json = (name: string) => JSON.parse(new TextDecoder().decode(files.get(name)));

it('gives each of the 256 bytes its value as id', () => {
  const { model } = json('tokenizer.json');
  const ids = Object.values<number>(model.vocab).sort((a, b) => a - b);
  expect(ids).toEqual(Array.from({ length: 256 }, (_, byte) => byte));
  expect(model.merges).toEqual([]);
});

it('writes bytes by the letters of the byte-level alphabet', () => {
  const { vocab } = json('tokenizer.json').model;
  // A visible letter is itself; NUL, tab, newline, space, DEL, 0xA0 and the soft hyphen take letters from U+0100 on.
  const known = { A: 0x41, '~': 0x7e, é: 0xe9, Ā: 0, ĉ: 9, Ċ: 10, Ġ: 32, ġ: 127, ł: 0xa0, Ń: 0xad };
  for (const [letter, byte] of Object.entries(known)) expect(vocab[letter], letter).toBe(byte);
});

it('tells transformers how to load it, and how long a text may be', () => {
  expect(json('tokenizer_config.json')).toMatchObject({
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: 128,
  });
});
