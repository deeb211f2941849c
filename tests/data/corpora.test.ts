import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentsOf, splitCorpus } from '@/engine/data/documents';
import { type CorpusId, corpusIds } from '@/engine/data/domains';

const folder = mkdtempSync(path.join(tmpdir(), 'corpora-'));
const build = () =>
  execFileSync(process.execPath, ['scripts/corpora.mjs', folder], { encoding: 'utf8' });
const read = (file: string) => readFileSync(path.join(folder, file));

interface Entry {
  readonly id: CorpusId;
  readonly file: string;
  readonly licence: string;
  readonly licenceFile: string;
  readonly documents: number;
  readonly bytes: number;
  readonly sha256: string;
}
const entries = () => JSON.parse(read('index.json').toString()).corpora as Entry[];

beforeAll(build);
afterAll(() => rmSync(folder, { recursive: true }));

test('the shipped texts are those that the engine reads, as their index says', () => {
  expect(entries().map(({ id }) => id)).toEqual([...corpusIds]);
  for (const entry of entries()) {
    const bytes = read(entry.file);
    expect(bytes.length).toBe(entry.bytes);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(entry.sha256);
    expect(splitCorpus(entry.id, bytes).starts.length).toBe(entry.documents);
    expect(read(entry.licenceFile).length).toBeGreaterThan(1000);
  }
});

test('they are whole: chapters of the novel, addresses of three centuries, code without licence heads', () => {
  const [novel, speeches, code] = corpusIds.map((id) => read(`${id}.txt`).toString('utf8'));
  expect(novel).toContain('Call me Ishmael.');
  expect(novel!.split('\0').filter((text) => /^CHAPTER \d+\./.test(text))).toHaveLength(135);
  expect(speeches!.length).toBeLessThan(2_500_000);
  expect(speeches!.length).toBeGreaterThan(1_500_000);
  expect(code).toContain('export default map;');
  expect(code).not.toContain('@license');
  for (const text of [novel, speeches, code]) expect(text).not.toContain('\ufffd');
});

test('about one byte in twenty is held out, and none of them is trained on', () => {
  for (const id of corpusIds) {
    const documents = splitCorpus(id, read(`${id}.txt`));
    const [training, heldOut] = (['training', 'heldOut'] as const).map((split) =>
      documentsOf(split, documents),
    );
    const bytes = (members: Uint32Array) =>
      members.reduce((sum, one) => sum + documents.ends[one]! - documents.starts[one]!, 0);
    const share = bytes(heldOut!) / (bytes(heldOut!) + bytes(training!));
    expect(share).toBeGreaterThan(0.02);
    expect(share).toBeLessThan(0.08);
    expect(new Set([...training!, ...heldOut!]).size).toBe(documents.starts.length);
  }
});

test('a second build changes nothing; a damaged file is written anew', () => {
  const before = statSync(path.join(folder, 'novel.txt')).mtimeMs;
  expect(build()).toContain('up to date');
  expect(statSync(path.join(folder, 'novel.txt')).mtimeMs).toBe(before);
  const index = read('index.json');
  truncateSync(path.join(folder, 'novel.txt'), 1000);
  expect(build()).not.toContain('up to date');
  expect(read('index.json')).toEqual(index);
  expect(read('novel.txt').length).toBe(entries()[0]!.bytes);
});
