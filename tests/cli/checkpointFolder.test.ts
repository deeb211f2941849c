/** @file A checkpoint folder is exchanged whole: what a kill leaves can be read, and nothing foreign is replaced. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointFolder } from '@/cli/checkpointFolder';
import { UsageError } from '@/cli/command';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'lab-folder-')));
});
afterEach(() => rmSync(root, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const checkpoint = (step: number) =>
  new Map([
    ['config.json', bytes('{}')],
    ['model.safetensors', bytes(`weights of ${step}`)],
    ['trainer.json', bytes(`{"step":${step}}`)],
  ]);
const textIn = (folder: string, name: string) => readFileSync(join(root, folder, name), 'utf8');

describe('writing', () => {
  it('makes the folder with those above it, and reads back what was written', () => {
    const folder = new CheckpointFolder(join(root, 'runs/a'));
    folder.claim(false);
    expect(existsSync(join(root, 'runs/a'))).toBe(false);
    folder.write(checkpoint(5));
    const files = new CheckpointFolder(join(root, 'runs/a/')).read();
    expect([...files.keys()]).toEqual(['config.json', 'model.safetensors', 'trainer.json']);
    expect(new TextDecoder().decode(files.get('trainer.json'))).toBe('{"step":5}');
  });

  it('leaves no file of the checkpoint before, and nothing beside the folder', () => {
    const folder = new CheckpointFolder(join(root, 'a'));
    folder.write(new Map([...checkpoint(5), ['model-00001-of-00002.safetensors', bytes('x')]]));
    folder.write(checkpoint(10));
    expect(readdirSync(join(root, 'a'))).toHaveLength(3);
    expect(readdirSync(root)).toEqual(['a']);
    expect(textIn('a', 'model.safetensors')).toBe('weights of 10');
  });

  it('follows a name that leads to a folder elsewhere', () => {
    mkdirSync(join(root, 'disk/run'), { recursive: true });
    symlinkSync(join(root, 'disk/run'), join(root, 'a'));
    new CheckpointFolder(join(root, 'a')).write(checkpoint(5));
    expect(textIn('disk/run', 'trainer.json')).toBe('{"step":5}');
    expect(textIn('a', 'trainer.json')).toBe('{"step":5}');
  });
});

describe('after a kill', () => {
  it('while the next one was written: the one before stands', () => {
    new CheckpointFolder(join(root, 'a')).write(checkpoint(5));
    mkdirSync(join(root, 'a.new'));
    writeFileSync(join(root, 'a.new/config.json'), '{');
    const folder = new CheckpointFolder(join(root, 'a'));
    expect(new TextDecoder().decode(folder.read().get('trainer.json'))).toBe('{"step":5}');
    folder.write(checkpoint(10));
    expect(readdirSync(root)).toEqual(['a']);
    expect(textIn('a', 'config.json')).toBe('{}');
  });

  it('between the two moves of an exchange: the next one stands', () => {
    new CheckpointFolder(join(root, 'a')).write(checkpoint(5));
    new CheckpointFolder(join(root, 'b')).write(checkpoint(10));
    renameSync(join(root, 'a'), join(root, 'a.old'));
    renameSync(join(root, 'b'), join(root, 'a.new'));
    const folder = new CheckpointFolder(join(root, 'a'));
    expect(new TextDecoder().decode(folder.read().get('trainer.json'))).toBe('{"step":10}');
    folder.write(checkpoint(15));
    expect(readdirSync(root)).toEqual(['a']);
  });

  it('before the old one was removed: the next one stands, and the next write clears up', () => {
    new CheckpointFolder(join(root, 'a')).write(checkpoint(10));
    new CheckpointFolder(join(root, 'a.old')).write(checkpoint(5));
    const folder = new CheckpointFolder(join(root, 'a'));
    expect(new TextDecoder().decode(folder.read().get('trainer.json'))).toBe('{"step":10}');
    folder.write(checkpoint(15));
    expect(readdirSync(root)).toEqual(['a']);
  });
});

describe('reading', () => {
  it('takes what a folder of others holds for a checkpoint, and no more', () => {
    mkdirSync(join(root, 'a/.git'), { recursive: true });
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'README.md']) {
      writeFileSync(join(root, 'a', name), name);
    }
    expect([...new CheckpointFolder(join(root, 'a')).read().keys()]).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
    ]);
  });

  it('refuses what is no folder, with its name', () => {
    expect(() => new CheckpointFolder(join(root, 'none')).read()).toThrow(UsageError);
    expect(() => new CheckpointFolder(join(root, 'none')).read()).toThrow(
      /none: cannot be read, ENOENT/,
    );
  });
});

describe('claiming', () => {
  it('takes an empty folder, and one that the run is resumed from', () => {
    mkdirSync(join(root, 'a'));
    const folder = new CheckpointFolder(join(root, 'a'));
    folder.claim(false);
    folder.write(checkpoint(5));
    folder.claim(true);
    expect(readdirSync(root)).toEqual(['a']);
  });

  it('refuses to replace another checkpoint, foreign files, a file, and what cannot be written', () => {
    new CheckpointFolder(join(root, 'a')).write(checkpoint(5));
    expect(() => new CheckpointFolder(join(root, 'a')).claim(false)).toThrow(
      /holds a checkpoint already/,
    );
    writeFileSync(join(root, 'a/notes.md'), 'mine');
    expect(() => new CheckpointFolder(join(root, 'a')).claim(true)).toThrow(/holds notes.md/);
    expect(() => new CheckpointFolder(join(root, 'a/notes.md')).claim(false)).toThrow(/is a file/);
    expect(() => new CheckpointFolder(join(root, 'a/notes.md/b')).claim(false)).toThrow(
      /cannot be written/,
    );
    expect(textIn('a', 'notes.md')).toBe('mine');
  });
});
