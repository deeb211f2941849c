/** @file `lab replay`: the file and the JSON that it gives, and one line for every folder that cannot be. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readSafetensors } from '@/engine/files/safetensors';
import { lab, labProcess } from './lab';

const root = mkdtempSync(join(tmpdir(), 'lab-replay-'));
afterAll(() => rmSync(root, { recursive: true }));
const golden = fileURLToPath(new URL('../goldens/trinity-nano-like/', import.meta.url));

describe('replay', () => {
  it('writes every tensor of expected.safetensors and tells every number of expected.json', async () => {
    const path = join(root, 'out.safetensors');
    const { code, out, err } = await labProcess(['replay', golden, '--out', path]);
    expect(code, err).toBe(0);
    const entriesOf = (file: string) =>
      [...readSafetensors(readFileSync(file))]
        .map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`)
        .sort();
    expect(entriesOf(path)).toEqual(entriesOf(join(golden, 'expected.safetensors')));
    const { steps } = JSON.parse(out);
    const expected = JSON.parse(readFileSync(join(golden, 'expected.json'), 'utf8'));
    expect(steps).toHaveLength(3);
    expect(steps[2].expert_counts).toEqual(expected.steps[2].expert_counts);
    expect(steps[2].loss.total).toBeCloseTo(expected.steps[2].loss.total, 5);
  });
});

describe('a folder that cannot be', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(root, 'case-'));
    cpSync(golden, folder, { recursive: true });
  });
  // biome-ignore lint/suspicious/noExplicitAny: JSON of our own, spoiled on purpose
  type Change = (json: any) => unknown;
  const change = (file: string, by: Change) => {
    const path = join(folder, file);
    const json = JSON.parse(readFileSync(path, 'utf8'));
    by(json);
    writeFileSync(path, JSON.stringify(json));
  };
  const cases: [string, string, Change, RegExp][] = [
    ['no optimizer', 'train.json', (t) => delete t.optimizer, /train.json, optimizer: /],
    ['a Muon without settings', 'train.json', (t) => delete t.muon, /train.json, muon: want its/],
    [
      'other coefficients',
      'train.json',
      (t) => Object.assign(t.muon, { ns_coefficients: 'best' }),
      /train.json, muon.ns_coefficients: .*best/,
    ],
    ['a rule', 'train.json', (t) => Object.assign(t, { balance: { rule: 'x' } }), /balance.rule: /],
    ['a clip of 0', 'train.json', (t) => Object.assign(t, { grad_clip: 0 }), /grad_clip: /],
    ['steps', 'train.json', (t) => Object.assign(t, { steps: 4 }), /has 3 batches, .* 4 steps/],
    ['no batch', 'batch.json', (b) => Object.assign(b, { steps: [] }), /want a list of batches/],
    [
      'a ragged row',
      'batch.json',
      (b) => b.steps[1].tokens[0].pop(),
      /step 1, tokens: want 2 rows/,
    ],
    [
      'a token of another vocabulary',
      'batch.json',
      (b) => Object.assign(b.steps[0].tokens[1], { 3: 48 }),
      /step 0, tokens: want 0 to 47, got 48/,
    ],
    [
      'a negative target',
      'batch.json',
      (b) => Object.assign(b.steps[2].targets[1], { 3: -1 }),
      /step 2, targets: want 0 to 47 or -100, got -1/,
    ],
    [
      'half a token',
      'batch.json',
      (b) => Object.assign(b.steps[0].tokens[0], { 0: 1.5 }),
      /step 0, tokens: want 0 to 47, got 1.5/,
    ],
    ['another width', 'config.json', (c) => Object.assign(c, { hidden_size: 60 }), /\[48, 60\]/],
    ['another family', 'config.json', (c) => Object.assign(c, { model_type: 'x' }), /model_type/],
  ];
  it.each(cases)('%s: ends with 2 and one line', async (_, file, by, message) => {
    change(file, by);
    const { code, out, err } = await lab('replay', folder, '--out', join(root, 'x'));
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).toMatch(/^lab: [^\n]+\n$/);
  });

  it.each(['config.json', 'model.safetensors', 'train.json', 'batch.json'])(
    'without %s: names it',
    async (file) => {
      rmSync(join(folder, file));
      const { code, err } = await lab('replay', folder, '--out', join(root, 'x'));
      expect(code).toBe(2);
      expect(err).toContain(file);
    },
  );

  it('needs a name for what it writes', async () => {
    expect((await lab('replay', folder)).err).toBe('lab: --out: must be given\n');
  });
});
