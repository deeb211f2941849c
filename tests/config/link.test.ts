/** @file Links there and back, and links that people, mail programs and attackers make. */

import fc from 'fast-check';
import { deflateSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import {
  difference,
  type Experiment,
  experimentOn,
  type LiveChange,
  layered,
  resolve,
} from '@/engine/config/experiment';
import type { Field, Value } from '@/engine/config/field';
import { decodeLink, encodeLink, MAX_LINK_CHANGES, MAX_LINK_LETTERS } from '@/engine/config/link';
import { LinkError } from '@/engine/config/linkText';
import { presets } from '@/engine/config/presets';
import { isLive, settingRows, valueAt, withValue } from '@/engine/config/settings';
import { forgedLink, rawLink } from './forgedLink';

const NOTHING_USED = 'Nothing of it was used; this is the default experiment.';

function decoded(link: string): Experiment {
  const result = decodeLink(link);
  if ('error' in result) throw new Error(`unexpected refusal: ${result.error}`);
  return result.experiment;
}

function refused(link: string): string {
  const result = decodeLink(link);
  if (!('error' in result)) throw new Error('want a refusal, got an experiment');
  expect(result.error.endsWith(NOTHING_USED)).toBe(true);
  expect(result.error.length).toBeLessThan(400);
  return result.error.slice(0, -NOTHING_USED.length).trim();
}

/** Values that the row takes. */
function valueFor(field: Field): fc.Arbitrary<Value> {
  switch (field.kind) {
    case 'int':
      return fc.integer({ min: field.min, max: field.max });
    case 'float':
      return fc.double({ min: field.min, max: field.max, noNaN: true });
    case 'bool':
      return fc.boolean();
    case 'choice':
      return fc.constantFrom(...field.options);
    case 'text':
      return fc.string({ unit: 'binary', maxLength: field.maxLength / 2 });
  }
}

const rowOf = (rows: typeof settingRows) =>
  fc.constantFrom(...rows).chain(([path, field]) => fc.tuple(fc.constant(path), valueFor(field)));

function isPossible(experiment: Experiment): boolean {
  try {
    resolve(experiment);
    return true;
  } catch {
    return false;
  }
}

/** Experiments as the page makes them: only what differs, live changes in order and real. */
const experiments: fc.Arbitrary<Experiment> = fc
  .tuple(
    fc.constantFrom(...presets),
    fc.array(rowOf(settingRows), { maxLength: 6 }),
    fc.array(fc.tuple(fc.nat({ max: 5000 }), rowOf(settingRows.filter(([path]) => isLive(path)))), {
      maxLength: 12,
    }),
  )
  .map(([preset, rows, live]) => {
    const start = rows.reduce(
      (values, [path, value]) => withValue(values, path, value),
      layered(preset, {}),
    );
    const order = new Map(settingRows.map(([path], index) => [path, index]));
    const sorted = live
      .map(([step, [path, to]]) => ({ step, path, to }))
      .sort((a, b) => a.step - b.step || order.get(a.path)! - order.get(b.path)!)
      .filter((a, n, all) => n === 0 || a.step !== all[n - 1]!.step || a.path !== all[n - 1]!.path);
    let values = start;
    const timeline: LiveChange[] = [];
    for (const { step, path, to } of sorted) {
      const from = valueAt(values, path);
      if (from === to) continue;
      timeline.push({ step, path, from, to });
      values = withValue(values, path, to);
    }
    return { preset: preset.id, changes: difference(preset, start), timeline };
  })
  .filter(isPossible);

describe('a link', () => {
  it('gives back every experiment that can be, and the same text again', () => {
    fc.assert(
      fc.property(experiments, (experiment) => {
        const text = encodeLink(experiment);
        const back = decoded(`#${text}`);
        expect(normal(back)).toEqual(normal(experiment));
        expect(encodeLink(back)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('is short, and names nothing that the preset already says', () => {
    expect(encodeLink(experimentOn('micro')).length).toBeLessThan(32);
    const said = { ...experimentOn('micro'), changes: { model: { width: 64 } } };
    expect(encodeLink(said)).toBe(encodeLink(experimentOn('micro')));
  });

  it('is the same text for the same experiment written in another order', () => {
    const changes = { model: { width: 96, layerCount: 5 }, run: { seed: 3 } };
    const turned = { run: { seed: 3 }, model: { layerCount: 5, width: 96 } };
    const first: LiveChange = { step: 4, path: 'balance.kind', from: 'smebu', to: 'none' };
    const second: LiveChange = { step: 4, path: 'balance.gamma', from: 5e-3, to: 1e-3 };
    expect(encodeLink({ preset: 'micro', changes, timeline: [first, second] })).toBe(
      encodeLink({ preset: 'micro', changes: turned, timeline: [second, first] }),
    );
  });

  it('tells what each live change changed from, the changes before it counted', () => {
    const timeline: LiveChange[] = [
      { step: 10, path: 'balance.kind', from: 'smebu', to: 'none' },
      { step: 90, path: 'balance.kind', from: 'none', to: 'sign' },
    ];
    expect(decoded(encodeLink({ ...experimentOn('micro'), timeline })).timeline).toEqual(timeline);
  });

  it('leaves out a live change that changes nothing', () => {
    const timeline: LiveChange[] = [
      { step: 10, path: 'balance.kind', from: 'smebu', to: 'smebu' },
      { step: 20, path: 'balance.kind', from: 'smebu', to: 'none' },
      { step: 30, path: 'balance.kind', from: 'none', to: 'none' },
    ];
    const link = encodeLink({ ...experimentOn('micro'), timeline });
    expect(decoded(link).timeline).toEqual([timeline[1]]);
  });

  it('is not written where nobody could read it again', () => {
    const prompts = (count: number, letterAt: (index: number) => string): Experiment => ({
      ...experimentOn('micro'),
      timeline: Array.from({ length: count }, (_, step) => ({
        step,
        path: 'probes.samplePrompt',
        from: '',
        to: Array.from({ length: 390 }, (_, i) => letterAt(390 * step + i)).join(''),
      })),
    });
    const smooth = prompts(900, (index) => (index % 390 === 0 ? String(index % 7) : 'a'));
    expect(() => encodeLink(smooth)).toThrow(/unpacks to more than 256 KiB/);
    const rough = prompts(200, (index) => String.fromCharCode(33 + (noise(index) % 90)));
    expect(() => encodeLink(rough)).toThrow(/letters long/);
  });

  it('is not written for an experiment that cannot be', () => {
    const wrong = { ...experimentOn('micro'), changes: { model: { expertsPerToken: 40 } } };
    expect(() => encodeLink(wrong)).toThrow('40 is over model.expertCount (16)');
    expect(() => encodeLink(experimentOn('nope'))).toThrow('no preset named nope');
  });

  it('holds a thousand live changes and no more', () => {
    const changesOf = (count: number): Experiment => ({
      ...experimentOn('micro'),
      timeline: Array.from({ length: count }, (_, step) => ({
        step,
        path: 'optimizer.muonLearningRate',
        from: 0,
        to: (step + 1) / 4096,
      })),
    });
    const full = encodeLink(changesOf(MAX_LINK_CHANGES));
    expect(full.length).toBeLessThan(MAX_LINK_LETTERS);
    expect(decoded(full).timeline).toHaveLength(MAX_LINK_CHANGES);
    expect(() => encodeLink(changesOf(MAX_LINK_CHANGES + 1))).toThrow(LinkError);
  });
});

/** −0 and 0 are one value of a setting; JSON writes both as 0. */
const normal = (experiment: Experiment): unknown =>
  JSON.parse(JSON.stringify(experiment).replaceAll(':-0,', ':0,').replaceAll(':-0}', ':0}'));

/** Bits that deflate finds no order in. */
function noise(index: number): number {
  const mixed = Math.imul(index ^ (index >>> 7), 0x9e37_79b1);
  return Math.imul(mixed ^ (mixed >>> 15), 0x85eb_ca77) >>> 8;
}

describe('a bad link', () => {
  const good = encodeLink({
    preset: 'micro',
    changes: { model: { width: 96, expertCount: 24 }, optimizer: { muonLearningRate: 0.013 } },
    timeline: [{ step: 120, path: 'balance.kind', from: 'smebu', to: 'none' }],
  });

  it('is refused in words, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        refused(text);
        refused(`v1.${text}`);
      }),
    );
    fc.assert(
      fc.property(fc.base64String({ maxLength: 300 }), (text) => {
        refused(`#v1.${text.replaceAll('=', '')}`);
      }),
    );
  });

  it('says that it was cut, wherever it was cut', () => {
    for (let length = 0; length < good.length; length++) {
      expect(refused(good.slice(0, length))).toMatch(
        /^It ends .* was probably cut when it was copied/,
      );
    }
  });

  it('says that it was changed, for one changed bit or letter anywhere', () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (let at = 'v1.'.length; at < good.length; at++) {
      const value = letters.indexOf(good[at]!);
      for (const flipped of [1, 2, 4, 8, 16, 32].map((bit) => letters[value ^ bit]!)) {
        expect(refused(good.slice(0, at) + flipped + good.slice(at + 1))).toMatch(
          /changed on the way|was probably cut/,
        );
      }
      expect(refused(`${good.slice(0, at)}%${good.slice(at + 1)}`)).toMatch(/changed on the way/);
    }
    expect(refused(`${good}).`)).toMatch(/changed on the way/);
  });

  it('of a newer version says so; of no version, that it is none', () => {
    expect(refused('v2.abcdef')).toBe('This link was made by a newer version of Trinity Lab.');
    expect(refused('#v9999.')).toMatch(/newer version/);
    for (const text of [
      'hello',
      'v0.abc',
      'v-1.abc',
      'v1e3.abc',
      'v99999.abc',
      '../../etc',
      'V1.a',
    ]) {
      expect(refused(text)).toBe('It is not a link of Trinity Lab.');
    }
  });

  it('of a megabyte is refused at once', () => {
    for (const letter of ['A', '%', 'ü']) {
      const started = performance.now();
      expect(refused(`#v1.${letter.repeat(1 << 20)}`)).toMatch(/letters long/);
      expect(performance.now() - started).toBeLessThan(50);
    }
  });

  it('that unpacks without end stops at the limit', () => {
    const link = packed(new Uint8Array(32 << 20));
    expect(link.length).toBeLessThan(MAX_LINK_LETTERS);
    const started = performance.now();
    expect(refused(link)).toMatch(/unpacks to more than 256 KiB/);
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('whose bytes are no text is refused', () => {
    expect(refused(packed(Uint8Array.of(0x22, 0xff, 0x22)))).toMatch(/changed on the way/);
  });
});

/** A link round any bytes, its sum right. */
function packed(bytes: Uint8Array): string {
  const body = deflateSync(bytes, { level: 9 });
  return `v1.${Buffer.concat([crcOf(body), body]).toString('base64url')}`;
}

/** CRC-32 as the head of a link holds it, written here a second time: a bomb is too long for packText. */
function crcOf(bytes: Uint8Array): Buffer {
  let sum = -1;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (0xedb88320 & -(sum & 1));
  }
  const written = Buffer.alloc(4);
  written.writeInt32BE(~sum);
  return written;
}

describe('a forged link', () => {
  const notAnExperiment = 'It does not hold an experiment.';

  it('of another shape is refused', () => {
    const shapes = [
      null,
      1,
      'micro',
      {},
      [],
      ['micro'],
      ['micro', []],
      ['micro', [], [], []],
      ['micro', {}, []],
      ['micro', [['model.width']], []],
      ['micro', [['model.width', null]], []],
      ['micro', [['model.width', [64]]], []],
      ['micro', [['model.width', { valueOf: 64 }]], []],
      ['micro', [], [['0', 'balance.kind', 'none']]],
      ['micro', [], [[-1, 'balance.kind', 'none']]],
      ['micro', [], [[0.5, 'balance.kind', 'none']]],
      ['micro', [], [[1e300, 'balance.kind', 'none']]],
      [['micro'], [], []],
      ['micro', Array.from({ length: 5000 }, () => ['model.width', 64]), []],
      ['micro', [], Array.from({ length: 1001 }, (_, step) => [step, 'balance.kind', 'none'])],
    ];
    for (const shape of shapes) expect(refused(forgedLink(shape))).toBe(notAnExperiment);
    for (const text of ['', '{', '[[[[', '['.repeat(200_000), 'NaN', '["micro",[],[]]]']) {
      expect(refused(rawLink(text))).toBe(notAnExperiment);
    }
  });

  it('with a value that cannot be names the setting, what it takes and what came', () => {
    const cases: [string, unknown, string][] = [
      ['model.layerCount', 1e9, 'model.layerCount: want 1 to 128, got 1000000000'],
      ['model.layerCount', 2.5, 'model.layerCount: want a whole number, got 2.5'],
      ['model.layerCount', '4', 'model.layerCount: want a number, got 4'],
      ['model.layerCount', true, 'model.layerCount: want a number, got true'],
      ['run.seed', -1, 'run.seed: want 0 to 4294967295, got -1'],
      ['data.intraDocumentMask', 1, 'data.intraDocumentMask: want true or false, got 1'],
      ['balance.kind', 'chaos', 'balance.kind: want one of none, sign, smebu, forced, got chaos'],
      ['model.colour', 1, 'model.colour: no such setting'],
    ];
    for (const [path, value, words] of cases) {
      expect(refused(forgedLink(['micro', [[path, value]], []]))).toBe(
        `It asks for something that cannot be: ${words}.`,
      );
    }
    expect(refused(rawLink('["micro",[["optimizer.adamwEps",1e999]],[]]'))).toMatch(
      /optimizer.adamwEps: want a number, got Infinity/,
    );
  });

  it('with values that cannot stand together is refused', () => {
    expect(refused(forgedLink(['micro', [['model.expertCount', 1]], []]))).toMatch(
      /model.expertsPerToken: 2 is over model.expertCount \(1\)/,
    );
  });

  it('with a timeline out of order or a change that needs a new run is refused', () => {
    const none = [9, 'balance.kind', 'none'];
    expect(refused(forgedLink(['micro', [], [none, [8, 'balance.kind', 'sign']]]))).toMatch(
      /timeline: step 8 comes after step 9/,
    );
    expect(refused(forgedLink(['micro', [], [[3, 'model.width', 128]]]))).toMatch(
      /model.width: starts a new run/,
    );
    expect(refused(forgedLink(['micro', [], [[3, 'model.width', 64]]]))).toMatch(
      /model.width: starts a new run/,
    );
    expect(refused(forgedLink(['micro', [], [[3, 'balance.lambda', 7]]]))).toMatch(
      /balance.lambda: want 0 to 1, got 7/,
    );
  });

  it('cannot reach a prototype', () => {
    const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
    for (const name of names) {
      for (const path of [name, `model.${name}`, `${name}.${name}`, `${name}.polluted`]) {
        expect(refused(forgedLink(['micro', [[path, 1]], []]))).toMatch(/no such setting/);
        expect(refused(forgedLink(['micro', [], [[0, path, 1]]]))).toMatch(/no such setting/);
      }
      expect(refused(forgedLink([name, [], []]))).toMatch(/no preset named/);
    }
    expect(refused(rawLink('{"__proto__":["micro",[],[]]}'))).toBe(notAnExperiment);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('repeats at most a line of its own words, and none that could steer the text', () => {
    const message = refused(
      forgedLink(['micro', [['balance.kind', `\u202e\n${'x'.repeat(9999)}`]], []]),
    );
    expect(message.length).toBeLessThan(260);
    expect(message).not.toMatch(/[\u202e\n]/);
  });
});
