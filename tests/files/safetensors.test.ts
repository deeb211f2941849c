import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckpointError } from '@/engine/files/checkpointError';
import { readTensors } from '@/engine/files/folder';
import {
  firstNotFinite,
  float32Range,
  readSafetensors,
  type SafeTensor,
  SafetensorsError,
  toFloat32,
} from '@/engine/files/safetensors';
import { layOutSafetensors, type TensorToWrite } from '@/engine/files/safetensorsWriter';

/** A file with this header, whatever it says, and so many bytes of data. */
function fileWith(header: unknown, dataBytes = 0, claimed?: bigint): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, claimed ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const entry = (
  start: number,
  end: number,
  shape: unknown = [(end - start) / 4],
  dtype = 'F32',
) => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

describe('reading', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['no header', new Uint8Array(7), /shorter than a header/],
    ['a header longer than the file', fileWith({}, 0, 3n), /claims 3 bytes; the file has 10/],
    [
      'a header of all bits',
      fileWith({}, 0, 0xffff_ffff_ffff_ffffn),
      /claims 18446744073709552000/,
    ],
    ['a header over the bound', fileWith('{}', 100_000_001, 100_000_001n), /no header has over/],
    ['a header that is no JSON', fileWith('{"a":'), /no JSON object/],
    ['a header that is a list', fileWith([]), /no JSON object/],
    ['a header that is no text', fileWith('{}', 1, 3n).fill(0xff, 8), /no JSON object/],
    [
      'a name that is there twice',
      fileWith('{"a": {"dtype":"F32","shape":[1],"data_offsets":[0,4]}, "\\u0061" : 1}', 4),
      /a: is there twice/,
    ],
    ['an entry that is null', fileWith({ a: null }), /a: type undefined/],
    ['an unknown type', fileWith({ a: entry(0, 4, [1], 'F8_E4M3') }, 4), /a: type F8_E4M3 is not/],
    ['a type of every object', fileWith({ a: entry(0, 4, [1], 'toString') }, 4), /type toString/],
    ['no shape', fileWith({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), /a: has no shape/],
    ['a negative shape', fileWith({ a: entry(0, 4, [-1]) }, 4), /a: has no shape/],
    ['a broken shape', fileWith({ a: entry(0, 4, [0.5]) }, 4), /a: has no shape/],
    ['a shape beyond all bytes', fileWith({ a: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4), /needs 4\.8/],
    ['no place', fileWith({ a: { dtype: 'F32', shape: [1] } }, 4), /a: has no place/],
    ['a negative place', fileWith({ a: entry(-4, 0, [1]) }, 4), /a: has no place/],
    [
      'a place beyond the file',
      fileWith({ a: entry(4, 8) }, 4),
      /a: \[1\] needs 4 bytes; bytes 4 to 8/,
    ],
    [
      'a place that ends first',
      fileWith({ a: entry(4, 0, [1]) }, 4),
      /bytes 4 to 0 of 4 are given/,
    ],
    [
      'bytes that do not fill the shape',
      fileWith({ a: entry(0, 8, [3]) }, 8),
      /\[3\] needs 12 bytes/,
    ],
    ['tensors that overlap', fileWith({ a: entry(0, 8), b: entry(4, 12) }, 12), /b: overlaps a/],
    ['the same place twice', fileWith({ a: entry(0, 4), b: entry(0, 4) }, 4), /b: overlaps a/],
    ['a gap', fileWith({ a: entry(0, 4), b: entry(8, 12) }, 12), /bytes 4 to 8 .* belong to no/],
    [
      'bytes behind the last tensor',
      fileWith({ a: entry(0, 4) }, 8),
      /bytes 4 to 8 .* belong to no/,
    ],
  ])('%s is refused in words', (_, file, message) => {
    expect(() => readSafetensors(file)).toThrow(SafetensorsError);
    expect(() => readSafetensors(file)).toThrow(message);
  });

  it('keeps a hostile name short and plain', () => {
    const name = `\u202e${'x'.repeat(1000)}`;
    const read = () => readSafetensors(fileWith({ [name]: entry(0, 4, [2]) }, 4));
    expect(read).toThrow(/^x{100,120}…: /);
  });

  it('takes a tensor named like a part of every object, and one without elements', () => {
    const file = fileWith('{"__proto__":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}');
    expect(readSafetensors(file).get('__proto__')!.shape).toEqual([0]);
  });

  it('takes any bytes whatever without any other error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.json(), (bytes, json) => {
        for (const file of [bytes, fileWith(json, 4)]) {
          try {
            readSafetensors(file);
          } catch (error) {
            expect(error).toBeInstanceOf(SafetensorsError);
          }
        }
      }),
    );
  });

  it('survives a header of ninety megabytes', () => {
    const name = 'a'.repeat(9e7);
    expect(readSafetensors(fileWith({ [name]: entry(0, 4) }, 4)).size).toBe(1);
  }, 20_000);
});

describe('values', () => {
  const of = (dtype: SafeTensor['dtype'], words: Uint16Array | Float32Array): SafeTensor => ({
    dtype,
    shape: [words.length],
    bytes: new Uint8Array(words.buffer),
  });

  it('of bf16 are the upper halves of float32', () => {
    const words = Uint16Array.of(0x3f80, 0xc040, 0x0001, 0x7f80, 0x8000);
    expect([...toFloat32(of('BF16', words))]).toEqual([1, -3, 2 ** -133, Infinity, -0]);
  });

  it('of f16 are exact, subnormal ones too', () => {
    const words = Uint16Array.of(0x3c00, 0xc200, 0x0001, 0x7bff, 0xfc00, 0x8000, 0x3555);
    const want = [1, -3, 2 ** -24, 65504, -Infinity, -0, 0.333251953125];
    expect([...toFloat32(of('F16', words))]).toEqual(want);
    expect(toFloat32(of('F16', Uint16Array.of(0x7e00)))[0]).toBeNaN();
  });

  it('are finite by their bits where they are by their value', () => {
    const words = Uint16Array.from({ length: 2 ** 16 }, (_, word) => word);
    const wide = new Float32Array(Uint32Array.from(words, (word) => (word << 16) + 1).buffer);
    for (const [dtype, values] of [
      ['BF16', words],
      ['F16', words],
      ['F32', wide],
    ] as const) {
      const size = values.BYTES_PER_ELEMENT;
      const tensor = of(dtype, values);
      const areFinite = [...toFloat32(tensor)].map(Number.isFinite);
      const told = areFinite.map(
        (_, i) =>
          firstNotFinite({ ...tensor, bytes: tensor.bytes.subarray(i * size, (i + 1) * size) }) ===
          undefined,
      );
      expect(told, dtype).toEqual(areFinite);
      expect(firstNotFinite(tensor), dtype).toBe(areFinite.indexOf(false));
    }
    expect(firstNotFinite({ dtype: 'I32', shape: [1], bytes: new Uint8Array(4).fill(255) })).toBe(
      undefined,
    );
  });

  it('can be taken in parts', () => {
    const tensor = of('BF16', Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080));
    expect([...float32Range(tensor, 1, 2)]).toEqual([2, 3]);
  });
});

const shapes = fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }), {
  minLength: 1,
  maxLength: 12,
});
const tensorsOf = (list: readonly number[][]): TensorToWrite[] =>
  list.map((shape, i) => ({ name: `layer.${i}.weight`, shape }));

describe('writing', () => {
  it('gives every value back, in one file or in shards, each no larger than asked for', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 4, max: 400 }), (list, shardBytes) => {
        const tensors = tensorsOf(list);
        const { files, places } = layOutSafetensors('model', tensors, shardBytes);
        let next = 0;
        for (const [, place] of places) {
          place.set(
            new Uint8Array(Float32Array.from({ length: place.length / 4 }, () => next++).buffer),
          );
        }
        const read = readTensors(files, 'model');
        let seen = 0;
        for (const { name, shape } of tensors) {
          const tensor = read.get(name)!;
          expect(tensor.shape).toEqual(shape);
          for (const value of toFloat32(tensor)) expect(value).toBe(seen++);
        }
        expect(seen).toBe(next);
        for (const [name, file] of files) {
          if (!name.endsWith('.safetensors')) continue;
          const held = [...readSafetensors(file).values()].map(({ bytes }) => bytes.length);
          const total = held.reduce((a, b) => a + b, 0);
          expect(total <= shardBytes || held.filter((size) => size > 0).length === 1).toBe(true);
        }
      }),
    );
  });

  it('fills every shard as far as it goes', () => {
    const { files } = layOutSafetensors('model', tensorsOf([[4], [4], [4], [4], [4]]), 32);
    expect([...files.keys()].filter((name) => name.endsWith('.safetensors')).length).toBe(3);
  });

  it('names shards as transformers does', () => {
    const { files } = layOutSafetensors('model', tensorsOf([[4], [4], [4]]), 32);
    expect([...files.keys()]).toEqual([
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
    const index = JSON.parse(new TextDecoder().decode(files.get('model.safetensors.index.json')));
    expect(index).toEqual({
      metadata: { total_size: 48 },
      weight_map: {
        'layer.0.weight': 'model-00001-of-00002.safetensors',
        'layer.1.weight': 'model-00001-of-00002.safetensors',
        'layer.2.weight': 'model-00002-of-00002.safetensors',
      },
    });
  });

  it('starts data at a multiple of eight, behind a header that ends in spaces', () => {
    const file = layOutSafetensors('model', [{ name: 'odd', shape: [1] }]).files.get(
      'model.safetensors',
    )!;
    const header = Number(new DataView(file.buffer).getBigUint64(0, true));
    expect(header % 8).toBe(0);
    expect(new TextDecoder().decode(file.subarray(8, 8 + header))).toMatch(/^\{.*\} *$/);
    expect(file.length).toBe(8 + header + 4);
  });

  it('writes what the golden files hold, byte for byte but for the header', () => {
    const path = new URL('../goldens/trinity-nano-like/model.safetensors', import.meta.url);
    const golden = readSafetensors(readFileSync(path));
    const tensors = [...golden].map(([name, { shape }]) => ({ name, shape }));
    const { files, places } = layOutSafetensors('model', tensors);
    for (const [name, { bytes }] of golden) places.get(name)!.set(bytes);
    const again = readSafetensors(files.get('model.safetensors')!);
    for (const [name, { bytes, shape }] of golden) {
      expect([...again.get(name)!.bytes]).toEqual([...bytes]);
      expect(again.get(name)!.shape).toEqual(shape);
    }
  });
});

describe('a sharded folder', () => {
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const shards = () => new Map(layOutSafetensors('model', tensorsOf([[4], [4], [4]]), 32).files);
  const index = 'model.safetensors.index.json';
  const first = 'model-00001-of-00002.safetensors';
  const second = 'model-00002-of-00002.safetensors';

  it.each<[string, (files: Map<string, Uint8Array>) => void, RegExp]>([
    ['without files', (files) => files.clear(), /model.safetensors is missing, and so is/],
    ['without a shard', (files) => files.delete(second), /00002-of-00002.safetensors is missing/],
    ['with an index that is no JSON', (files) => files.set(index, bytes(7)), /no JSON object/],
    ['with an index of nothing', (files) => files.set(index, bytes({})), /no weight_map/],
    [
      'with an index of numbers',
      (files) => files.set(index, bytes({ weight_map: { a: 1 } })),
      /no weight_map/,
    ],
    [
      'whose shard holds more',
      (files) => files.set(index, bytes({ weight_map: { 'layer.0.weight': first } })),
      /00001-of-00002.safetensors: holds layer.1.weight, which .* does not say/,
    ],
    [
      'whose shard holds less',
      (files) => files.set(second, layOutSafetensors('x', []).files.get('x.safetensors')!),
      /00002-of-00002.safetensors: does not hold layer.2.weight/,
    ],
    [
      'with a broken shard',
      (files) => files.set(second, new Uint8Array(9)),
      /00002-of.*header claims|00002-of.*JSON/,
    ],
  ])('%s is refused in words', (_, spoil, message) => {
    const files = shards();
    spoil(files);
    expect(() => readTensors(files, 'model')).toThrow(CheckpointError);
    expect(() => readTensors(files, 'model')).toThrow(message);
  });
});
