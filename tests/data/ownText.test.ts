import { describe, expect, test } from 'vitest';
import { splitOwnText } from '@/engine/data/documents';
import { checkOwnText } from '@/engine/data/ownText';
import { Random } from '@/engine/math/random';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const add = (name: string, bytes: Uint8Array) => () => checkOwnText(name, bytes);

function noise(count: number): Uint8Array {
  const random = Random.seeded(1);
  return Uint8Array.from({ length: count }, () => random.below(256));
}

describe('a text of the visitor is added', () => {
  test('in any language, with emoji, tabs and Windows line ends', () => {
    for (const text of ['Ein Öl\r\n\tfür 5 €', '白鯨の物語', 'Моби Дик', 'кит 🐋 whale', 'x']) {
      expect(checkOwnText('a.txt', bytesOf(text))).toEqual(bytesOf(text));
    }
  });

  test('without its byte order mark', () => {
    expect(checkOwnText('a.txt', bytesOf('\ufeffhello'))).toEqual(bytesOf('hello'));
  });

  test('in Latin-1 too, when most of it is plain', () => {
    const latin1 = Uint8Array.from('Der gute Kapitän fuhr auf das offene Meer hinaus.', (letter) =>
      letter.charCodeAt(0),
    );
    expect(checkOwnText('a.txt', latin1)).toEqual(latin1);
  });

  test('when the first 64 KiB end in the middle of a letter', () => {
    const bytes = bytesOf('鯨'.repeat(50_000));
    expect(checkOwnText('a.txt', bytes).length).toBe(150_000);
  });
});

describe('a text of the visitor is refused', () => {
  test('when there is nothing in it', () => {
    expect(add('a.txt', bytesOf(''))).toThrow('a.txt was not added. There is no text in it.');
    expect(add('a.txt', bytesOf(' \n\t'))).toThrow('There is no text in it.');
  });

  test('when it is another kind of file, with the share of what is no text', () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index % 100 < 38 ? 1 : 65));
    expect(add('notes.bin', bytes)).toThrow(
      'notes.bin was not added. It is not text: 38 % of its first 64 KiB are control bytes. Plain text in any language works, up to 100 MB.',
    );
    expect(add('noise.bin', noise(200_000))).toThrow('It is not text: 1');
    expect(add('short.bin', new Uint8Array(10))).toThrow('100 % of its bytes are control bytes');
  });

  test('when its letters are not UTF-8, and says what to do', () => {
    const cp1251 = Uint8Array.from({ length: 1000 }, (_, index) => (index % 6 ? 0xe0 : 0x20));
    expect(add('a.txt', cp1251)).toThrow(/It is not UTF-8 text: \d\d % .* Save it as UTF-8\./);
    const utf16 = Uint8Array.from([0xff, 0xfe, 65, 0, 66, 0]);
    expect(add('a.txt', utf16)).toThrow('It is UTF-16 text; save it as UTF-8.');
  });

  test('when a byte 0 stands anywhere in it', () => {
    const bytes = bytesOf('a'.repeat(200_000));
    bytes[123_456] = 0;
    expect(add('a.txt', bytes)).toThrow('Its byte 123,456 is a 0');
  });

  test('when it is over 100 MB', () => {
    expect(add('a.txt', new Uint8Array(104_857_600))).toThrow(
      'a.txt was not added. It has 104.9 MB; up to 100 MB can be added.',
    );
  });

  test('with an error that is known by its class', () => {
    expect(add('a.txt', bytesOf(''))).toThrow(expect.objectContaining({ name: 'TextError' }));
  });
});

describe('invalid UTF-8 is counted as the standard has it', () => {
  const lettersAround = (...bytes: number[]) => {
    const all = new Uint8Array(100).fill(65);
    // Six copies make six per cent or more, once they are invalid.
    for (let copy = 0; copy < 6; copy++) all.set(bytes, copy * 8);
    return all;
  };

  test.each([
    ['a lone later byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong three-byte form', [0xe0, 0x9f, 0xbf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['an overlong four-byte form', [0xf0, 0x8f, 0xbf, 0xbf]],
    ['a letter behind the last', [0xf4, 0x90, 0x80, 0x80]],
    ['a first byte that never is', [0xf5, 0x80, 0x80, 0x80]],
    ['a letter that breaks off', [0xe2, 0x82, 0x41]],
  ])('%s', (_, bytes) => {
    expect(add('a.txt', lettersAround(...bytes))).toThrow('It is not UTF-8 text');
  });

  test.each([
    ['the smallest of two bytes', [0xc2, 0x80]],
    ['the smallest of three', [0xe0, 0xa0, 0x80]],
    ['the last before the surrogates', [0xed, 0x9f, 0xbf]],
    ['the smallest of four', [0xf0, 0x90, 0x80, 0x80]],
    ['the last of all', [0xf4, 0x8f, 0xbf, 0xbf]],
  ])('but not %s', (_, bytes) => {
    expect(add('a.txt', lettersAround(...bytes))).not.toThrow();
  });
});

describe('a text of the visitor is cut into pieces', () => {
  const piecesOf = (bytes: Uint8Array) => {
    const { starts, ends } = splitOwnText(bytes);
    return [...starts].map((start, index) => bytes.subarray(start, ends[index]));
  };

  test('that together are the text, and end with a line', () => {
    const bytes = bytesOf(Array.from({ length: 5000 }, (_, line) => `line ${line}\n`).join(''));
    const pieces = piecesOf(bytes);
    expect(pieces.length).toBeGreaterThan(30);
    expect(Buffer.concat(pieces)).toEqual(Buffer.from(bytes));
    for (const piece of pieces) expect(piece.at(-1)).toBe(10);
  });

  test('between letters where there are no lines', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    for (const start of ['', 'x', 'xy']) {
      const text = start + '鯨'.repeat(20_000);
      const pieces = piecesOf(bytesOf(text));
      expect(pieces.length).toBeGreaterThan(10);
      expect(pieces.map((piece) => decoder.decode(piece)).join('')).toBe(text);
    }
  });

  test('and left whole when it is short', () => {
    expect(piecesOf(bytesOf('a short text\n')).length).toBe(1);
  });

  test('in time that grows with its length, not faster', () => {
    const bytes = new Uint8Array(100_000_000).fill(65);
    const { starts, ends } = splitOwnText(checkOwnText('a.txt', bytes));
    expect(starts.length).toBeLessThan(15_000);
    expect(ends.at(-1)).toBe(bytes.length);
  });
});
