/** @file Archives and picked files: what is written opens elsewhere, what comes from elsewhere is read or refused. */
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { crc32 } from '@/ui/storage/crc32';
import { gather, type PickedFile } from '@/ui/storage/gather';
import { zipEntries } from '@/ui/storage/unzip';
import { zip, zipPart, zipPieces } from '@/ui/storage/zip';

const never = new AbortController().signal;
const random = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => ((i + seed) * 2654435761) >>> 13);
const bytesOf = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer());
const picked = (path: string, content: string | Uint8Array): PickedFile => ({
  path,
  file: new Blob([content as BlobPart]),
});
const gathered = (files: readonly PickedFile[], signal = never) => gather(files, signal, () => {});
const namesOf = async (files: readonly PickedFile[]) => [...(await gathered(files)).keys()].sort();

describe('the checksum', () => {
  it('is that of every other program, in one go and in pieces of any length', () => {
    expect(crc32(strToU8('123456789'))).toBe(0xcbf43926);
    for (const length of [0, 1, 2, 3, 4, 5, 1001]) {
      const bytes = random(length, 7);
      const sum = Number(BigInt(crcByBits(bytes)));
      expect(crc32(bytes)).toBe(sum);
      expect(crc32(bytes.subarray(length >> 1), crc32(bytes.subarray(0, length >> 1)))).toBe(sum);
    }
  });
});

/** The definition, a bit at a time. */
function crcByBits(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let i = 0; i < 8; i++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

describe('an archive that we write', () => {
  const when = new Date(2026, 10, 22, 13, 45, 30);
  const parts = () => [
    zipPart('config.json', strToU8('{}')),
    zipPart('größe.safetensors', random(5000, 1)),
    zipPart('empty', new Uint8Array()),
  ];

  it('is read by another program, byte for byte', async () => {
    const files = unzipSync(await bytesOf(zip('micro-step-3', parts(), when)));
    expect(Object.keys(files)).toEqual([
      'micro-step-3/config.json',
      'micro-step-3/größe.safetensors',
      'micro-step-3/empty',
    ]);
    expect(strFromU8(files['micro-step-3/config.json']!)).toBe('{}');
    expect(files['micro-step-3/größe.safetensors']).toEqual(random(5000, 1));
  });

  it('is read back by us, also where sizes and places lie beyond 4 GiB', async () => {
    const entries = await zipEntries(zip('f', parts(), when));
    expect(entries.map(({ name, size }) => [name, size])).toEqual([
      ['f/config.json', 2],
      ['f/größe.safetensors', 5000],
      ['f/empty', 0],
    ]);
    expect(await entries[1]!.read()).toEqual(random(5000, 1));
  });

  it('is read back where sizes and places lie beyond 4 GiB', async () => {
    const size = 5 * 2 ** 30;
    const large = { name: 'a', blob: new Pretended([size]) as unknown as Blob, crc: 0 };
    const pieces = zipPieces('f', [large, ...parts()], when);
    const archive = new Pretended(pieces.map((piece) => (piece === large.blob ? size : piece)));
    const entries = await zipEntries(archive as unknown as Blob);
    expect(entries.map((entry) => entry.size)).toEqual([size, 2, 5000, 0]);
    expect(await entries[1]!.read()).toEqual(strToU8('{}'));
    expect(await entries[2]!.read()).toEqual(random(5000, 1));
  });
});

/** A blob of which the large parts, given by their bytes alone, are on no disk and in no memory. */
class Pretended {
  readonly size: number;
  readonly #pieces: readonly (number | Blob | Uint8Array<ArrayBuffer>)[];

  constructor(pieces: readonly (number | Blob | Uint8Array<ArrayBuffer>)[]) {
    this.#pieces = pieces;
    this.size = pieces.reduce<number>((sum, piece) => sum + lengthOf(piece), 0);
  }

  slice(start: number, end: number): Blob {
    const found: (Blob | Uint8Array<ArrayBuffer>)[] = [];
    let at = 0;
    for (const piece of this.#pieces) {
      const [from, to] = [Math.max(start - at, 0), Math.min(end - at, lengthOf(piece))];
      if (to > from)
        found.push(typeof piece === 'number' ? new Uint8Array(to - from) : piece.slice(from, to));
      at += lengthOf(piece);
    }
    return new Blob(found);
  }
}

const lengthOf = (piece: number | Blob | Uint8Array) =>
  typeof piece === 'number' ? piece : piece instanceof Blob ? piece.size : piece.length;

describe('an archive from elsewhere', () => {
  const files = {
    'm/config.json': strToU8('{"a": 1}'.repeat(99)),
    'm/x.safetensors': random(999, 3),
  };
  const packed = () => zipSync(files, { level: 6 });

  it('is read packed and unpacked, from a folder in it, without what a system adds', async () => {
    for (const level of [0, 6] as const) {
      const added = {
        ...files,
        '__MACOSX/m/._config.json': strToU8('x'),
        'm/.DS_Store': strToU8('y'),
      };
      const found = await gathered([picked('m.zip', zipSync(added, { level }))]);
      expect([...found.keys()].sort()).toEqual(['config.json', 'x.safetensors']);
      expect(found.get('config.json')).toEqual(files['m/config.json']);
      expect(found.get('x.safetensors')).toEqual(random(999, 3));
    }
  });

  it('is refused in words where it is cut, spoiled, encrypted, or lies about a size', async () => {
    const whole = packed();
    const changed = (at: number, value: number) => {
      const bytes = packed();
      bytes[at < 0 ? bytes.length + at : at] = value;
      return bytes;
    };
    const directory = whole.length - 22 - (46 + 13 + 46 + 15);
    const refusals: [Uint8Array, RegExp][] = [
      [whole.subarray(0, whole.length - 30), /it has no end, so it is probably cut/],
      [whole.subarray(100), /does not begin as zip archives do/],
      [
        changed(46, whole[46]! ^ 0xff),
        /m\/config\.json (does not have its checksum|cannot be unpacked|is (shorter|longer))/,
      ],
      [changed(directory, 0), /list of files is damaged/],
      [changed(-4, 0xff), /list of files is not where its end says/],
      [changed(directory + 8, 1), /m\/config\.json is encrypted/],
      [changed(directory + 10, 12), /m\/config\.json is packed in a way that is not known/],
      [changed(directory + 24, 3), /m\/config\.json is longer than its list of files says/],
      [
        changed(directory + 16, whole[directory + 16]! ^ 1),
        /m\/config\.json does not have its checksum/,
      ],
      [changed(directory + 43, 0x7f), /m\/config\.json is not where its list of files says/],
    ];
    for (const [bytes, words] of refusals) {
      const refused = gathered([picked('m.zip', bytes)]);
      const told = await refused.catch(({ name, message }: Error) => `${name}: ${message}`);
      expect(told).toMatch(/^PickedFilesError: The archive cannot be read/);
      expect(told).toMatch(words);
    }
  });

  it('never grows beyond what it says: a bomb is stopped', async () => {
    const bomb = zipSync(
      { 'config.json': strToU8('{}'), 'a.safetensors': new Uint8Array(5e6) },
      { level: 9 },
    );
    const directory = bomb.length - 22 - (46 + 11 + 46 + 13);
    new DataView(bomb.buffer).setUint32(directory + 46 + 11 + 24, 1000, true);
    await expect(gathered([picked('m.zip', bomb)])).rejects.toThrow(
      /longer than its list of files says/,
    );
    new DataView(bomb.buffer).setUint32(directory + 46 + 11 + 24, 0xfffffff0, true);
    await expect(gathered([picked('m.zip', bomb)])).rejects.toThrow(/cannot be as long as it says/);
    const huge = new Pretended([9 * 2 ** 30]) as unknown as Blob;
    const files = [picked('config.json', '{}'), { path: 'model.safetensors', file: huge }];
    await expect(gathered(files)).rejects.toThrow(
      /It has 9\.00 GiB; up to 8\.00 GiB can be opened/,
    );
  });
});

describe('what a visitor picks', () => {
  const config = picked('config.json', '{}');
  const weights = picked('model.safetensors', 'x');

  it('is a folder or loose files, and only what a checkpoint may have is read', async () => {
    const parts = [
      'config.json',
      'model-00001-of-00002.safetensors',
      'model.safetensors.index.json',
    ];
    const more = [
      'trainer.json',
      'optimizer.safetensors',
      'README.md',
      'tokenizer.json',
      'deep/config.json',
    ];
    const folder = [...parts, ...more].map((name) => picked(`/dots/${name}`, name));
    expect(await namesOf(folder)).toEqual(
      [...parts, 'trainer.json', 'optimizer.safetensors'].sort(),
    );
    expect(await namesOf([weights, config])).toEqual(['config.json', 'model.safetensors']);
  });

  it('tells how far it is, and stops when it is asked to', async () => {
    const shares: number[] = [];
    const large = picked('model.safetensors', new Uint8Array(20 * 2 ** 20));
    await gather([config, large], never, (share) => shares.push(share));
    expect(shares.length).toBeGreaterThan(2);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    const control = new AbortController();
    const stopped = gather([config, large], control.signal, (share) => {
      if (share > 0.1) control.abort(new Error('enough'));
    });
    await expect(stopped).rejects.toThrow('enough');
  });

  it('is refused with what is missing', async () => {
    const refusals: [PickedFile[], RegExp][] = [
      [[], /no file in it/],
      [[picked('m.zip', zipSync({ '.hidden': strToU8('x') }))], /no file in it/],
      [[weights], /no config\.json among model\.safetensors\. A checkpoint is a folder/],
      [[config], /no \.safetensors file beside it/],
      [
        [config, picked('pytorch_model.bin', 'x')],
        /weights are in pytorch_model\.bin; only safetensors/,
      ],
      [
        [picked('a/config.json', ''), picked('b/config.json', '')],
        /two models, a\/config\.json and b\/config/,
      ],
      [[picked('m.zip', 'no archive')], /does not begin as zip archives do/],
      [
        [picked('notes.txt', 'words')],
        /no config\.json among notes\.txt\..* A text to learn from goes under Data/,
      ],
    ];
    for (const [files, words] of refusals) await expect(gathered(files)).rejects.toThrow(words);
  });
});
