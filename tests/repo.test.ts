/** @file The rules of the tree that no compiler holds: siblings of an op, the form of a shader, docs that name real files. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { settingsDocs } from '../scripts/settingsDocs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Files of a folder and of those in it, as paths from the root, packages left out; none where there is no folder. */
function filesOf(folder: string, ending: RegExp): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => ending.test(path) && !path.includes('node_modules'))
    .filter((path) => statSync(join(ROOT, path)).isFile())
    .sort();
}

const stemOf = (path: string): string => path.split('/').at(-1)!.split('.')[0]!;

const ops = filesOf('src/engine/ops', /\.ts$/).map(stemOf);
const shaders = filesOf('src/shaders', /\.wgsl$/);

describe('every op', () => {
  it.each(ops)('%s has a test and a shader of its name', (op) => {
    expect(existsSync(join(ROOT, `tests/ops/${op}.test.ts`)), `tests/ops/${op}.test.ts`).toBe(true);
    expect(shaders.map(stemOf)).toContain(op);
  });

  it('is there for every shader', () => {
    expect(shaders.filter((path) => !ops.includes(stemOf(path)))).toEqual([]);
  });
});

/** A shader may be this long; a longer one is two. */
const MAX_SHADER_LINES = 150;
const MAX_SHADER_COLUMNS = 120;
/** Storage buffers that every adapter has for one stage. */
const MAX_STORAGE_BUFFERS = 8;
const UNIFORM = /^@group\(0\) @binding\((\d+)\) var<uniform> (params: Params|live: Live);$/;
const STORAGE =
  /^@group\(0\) @binding\((\d+)\) var<storage, (?:read|read_write)> \w+: array<[\w<>]+>;(?: \/\/ .+)?$/;

describe('every shader', () => {
  it.each(shaders)('%s keeps the form', (path) => {
    const lines = read(path).trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(MAX_SHADER_LINES);
    expect(lines.filter((line) => line.includes('\t'))).toEqual([]);
    expect(lines.filter((line) => line.length > MAX_SHADER_COLUMNS)).toEqual([]);
    const head = lines.slice(
      0,
      lines.findIndex((line) => !line.startsWith('//')),
    );
    expect(head.length, 'lines of the head comment').toBeGreaterThanOrEqual(3);
    expect(head.join('\n')).toMatch(/dispatch|workgroup|thread/i);
  });

  /** An epilogue is the end of another text, whose own bindings are below this. */
  const firstOf = (path: string) => (path.endsWith('.epilogue.wgsl') ? 5 : 0);

  it.each(shaders)('%s binds one buffer a line, uniforms first, from its first on', (path) => {
    const bindings = read(path)
      .split('\n')
      .filter((line) => line.includes('@binding'));
    const uniforms = bindings.filter((line) => UNIFORM.test(line));
    const storage = bindings.filter((line) => STORAGE.test(line));
    expect([...uniforms, ...storage]).toEqual(bindings);
    const numbers = bindings.map((line) => Number(/@binding\((\d+)\)/.exec(line)![1]));
    expect(numbers).toEqual(bindings.map((_, index) => firstOf(path) + index));
    expect(storage.length).toBeLessThanOrEqual(MAX_STORAGE_BUFFERS);
  });
});

const documents = [
  'README.md',
  ...filesOf('docs', /\.md$/),
  ...filesOf('tests', /README\.md$/),
  ...filesOf('bench', /\.md$/),
];

describe('every document', () => {
  it.each(documents)('%s names only files that exist', (path) => {
    const text = read(path);
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => relative(ROOT, join(ROOT, dirname(path), target)));
    const named = [...text.matchAll(/`((?:src|tests|e2e|bench|docs|scripts|public)\/[^`\s]*)`/g)]
      .map(([, target]) => target!)
      // A pattern or a placeholder names no file.
      .filter((target) => !/[<>*{}…]/.test(target));
    const missing = [...links, ...named].filter((target) => !existsSync(join(ROOT, target)));
    expect(missing).toEqual([]);
  });

  it('that is generated is up to date: npm run docs', () => {
    expect(read('docs/settings.md')).toBe(settingsDocs());
  });
});

describe('the repository', () => {
  it('has no mark of unfinished work', () => {
    const marks = /\b(?:TO[D]O|FIX[M]E|X[X]X)\b/;
    const folders = ['src', 'tests', 'e2e', 'bench', 'scripts', 'docs'];
    const files = folders.flatMap((folder) => filesOf(folder, /\.(ts|tsx|mjs|wgsl|css|md|py)$/));
    expect(files.filter((path) => marks.test(read(path)))).toEqual([]);
  });

  it('ships these packages and no others', () => {
    expect(Object.keys(JSON.parse(read('package.json')).dependencies)).toEqual([
      'fflate',
      'react',
      'react-aria-components',
      'react-dom',
      'recharts',
      'valibot',
      'zustand',
    ]);
  });
});
