/** @file The checksum of zip archives: CRC-32 with the reflected polynomial 0xEDB88320 (ISO 3309). */

const POLYNOMIAL = 0xedb88320;
const LANES = 4;

/** tables[k][b]: what byte b does to the sum when k more bytes follow it. */
const tables = Array.from({ length: LANES }, () => new Uint32Array(256));

for (let byte = 0; byte < 256; byte++) {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1;
  tables[0]![byte] = sum;
}
for (let lane = 1; lane < LANES; lane++) {
  for (let byte = 0; byte < 256; byte++) {
    const before = tables[lane - 1]![byte]!;
    tables[lane]![byte] = (before >>> 8) ^ tables[0]![before & 0xff]!;
  }
}

/** The sum of `bytes`, going on from the sum of what stood before them. Four bytes at a time: weights are large. */
export function crc32(bytes: Uint8Array, before = 0): number {
  const [t0, t1, t2, t3] = tables as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % LANES);
  let sum = ~before;
  let at = 0;
  for (; at < whole; at += LANES) {
    sum ^= view.getUint32(at, true);
    sum = t3[sum & 0xff]! ^ t2[(sum >>> 8) & 0xff]! ^ t1[(sum >>> 16) & 0xff]! ^ t0[sum >>> 24]!;
  }
  for (; at < bytes.length; at++) sum = (sum >>> 8) ^ t0[(sum ^ bytes[at]!) & 0xff]!;
  return ~sum >>> 0;
}
