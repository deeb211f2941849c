/**
 * @file Writes the safetensors format, in one file or in shards with an index as transformers writes them. Files are
 * laid out first and filled in place, so that values on their way from the device need no second home.
 */
import { METADATA, PREFIX } from './safetensors';

/** A tensor to be written. */
export interface TensorToWrite {
  readonly name: string;
  readonly shape: readonly number[];
  /** F32 where it is not given. */
  readonly dtype?: 'F32' | 'I32';
}

export interface LaidOutFiles {
  /** Files by name; their headers stand, the data is still 0. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Where each tensor's values go, little-endian, four bytes each. */
  readonly places: ReadonlyMap<string, Uint8Array>;
}

/**
 * Bytes of a shard at most. Transformers takes 5e9, but file and message calls of browsers and of Node end at 2 GiB.
 */
export const SHARD_BYTES = 2e9;

const INDEX_SUFFIX = '.index.json';
/** Data starts at a multiple of this, as the format's own library writes it. */
const ALIGNMENT = 8;

/**
 * Lays out `tensors`, in their order.
 * @param stem file name without its ending: `model` gives model.safetensors, or model-00001-of-00003.safetensors and
 * so on with model.safetensors.index.json where they do not fit into one shard.
 */
export function layOutSafetensors(
  stem: string,
  tensors: readonly TensorToWrite[],
  shardBytes = SHARD_BYTES,
): LaidOutFiles {
  const shards = shardsOf(tensors, shardBytes);
  const files = new Map<string, Uint8Array>();
  const places = new Map<string, Uint8Array>();
  const weightMap: Record<string, string> = {};
  shards.forEach((shard, i) => {
    const part = (n: number) => String(n).padStart(5, '0');
    const of = shards.length === 1 ? '' : `-${part(i + 1)}-of-${part(shards.length)}`;
    const fileName = `${stem}${of}.safetensors`;
    files.set(fileName, layOut(shard, places));
    for (const { name } of shard) weightMap[name] = fileName;
  });
  if (shards.length > 1) {
    const total_size = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
    const index = { metadata: { total_size }, weight_map: weightMap };
    files.set(
      `${stem}.safetensors${INDEX_SUFFIX}`,
      new TextEncoder().encode(JSON.stringify(index, null, 2)),
    );
  }
  return { files, places };
}

const bytesOf = ({ shape }: TensorToWrite): number => shape.reduce((a, b) => a * b, 4);

/** Consecutive tensors, as many as fit; one that is larger than a shard has a file of its own. */
function shardsOf(tensors: readonly TensorToWrite[], shardBytes: number): TensorToWrite[][] {
  const shards: TensorToWrite[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const size = bytesOf(tensor);
    if (bytes > 0 && bytes + size > shardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += size;
  }
  return shards;
}

function layOut(tensors: readonly TensorToWrite[], places: Map<string, Uint8Array>): Uint8Array {
  const header: Record<string, unknown> = { [METADATA]: { format: 'pt' } };
  let end = 0;
  for (const tensor of tensors) {
    const start = end;
    end += bytesOf(tensor);
    const { name, shape, dtype = 'F32' } = tensor;
    header[name] = { dtype, shape, data_offsets: [start, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const file = new Uint8Array(PREFIX + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, PREFIX, PREFIX + headerBytes); // a header ends in spaces
  file.set(json, PREFIX);
  let offset = PREFIX + headerBytes;
  for (const tensor of tensors) {
    const size = bytesOf(tensor);
    places.set(tensor.name, file.subarray(offset, offset + size));
    offset += size;
  }
  return file;
}
