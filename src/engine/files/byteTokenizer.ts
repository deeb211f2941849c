/**
 * @file The lab's tokens as a Hugging Face tokenizer: a token is a byte, its id the byte's value. Written so that
 * what was trained on bytes is served and trained on with the same ids.
 */

/** Files by name: `tokenizer.json` as the tokenizers library reads it, and how transformers is to use it. */
export function byteTokenizer(contextLength: number): ReadonlyMap<string, Uint8Array> {
  const bytes = Array.from({ length: BYTES }, (_, byte) => byte);
  const vocab = Object.fromEntries(bytes.map((byte) => [letterOf(byte), byte]));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { ...byteLevel, use_regex: false },
    post_processor: null,
    decoder: { ...byteLevel, use_regex: false },
    // No merges: every letter stays a token of its own.
    model: { type: 'BPE', unk_token: null, byte_fallback: false, vocab, merges: [] },
  };
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    model_max_length: contextLength,
  };
  const json = (value: object) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  return new Map([
    ['tokenizer.json', json(tokenizer)],
    ['tokenizer_config.json', json(config)],
  ]);
}

const BYTES = 256;
/** Bytes that byte-level tokenizers write as the letter of that code: those with a visible one. */
const VISIBLE = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
] as const;

const isVisible = (byte: number): boolean =>
  VISIBLE.some(([first, last]) => byte >= first && byte <= last);

/** The others take letters from U+0100 on, in their order. */
function letterOf(byte: number): string {
  if (isVisible(byte)) return String.fromCodePoint(byte);
  let hiddenBefore = 0;
  for (let other = 0; other < byte; other++) hiddenBefore += Number(!isVisible(other));
  return String.fromCodePoint(BYTES + hiddenBefore);
}
