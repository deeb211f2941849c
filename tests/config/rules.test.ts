import { describe, expect, test } from 'vitest';
import { layered } from '@/engine/config/experiment';
import { complaints } from '@/engine/config/rules';
import type { SettingsChanges } from '@/engine/config/settings';

const preset = { id: 'test', label: '', help: '', source: '', changes: {} };
const about = (changes: SettingsChanges) =>
  complaints(layered(preset, changes)).map(({ path, message }) => `${path}: ${message}`);

describe('the document buffer', () => {
  test('has at least a document for each worker and each text of any phase', () => {
    const data = { order: 'rsdb', rsdbDocuments: 6, rsdbWorkers: 2 } as const;
    expect(about({ data })).toEqual([]);
    expect(about({ data: { ...data, ownTextWeight: 1 } })).toEqual([
      'data.rsdbDocuments: 6 is under one for each text of the mixture (4) and each of data.rsdbWorkers (2)',
    ]);
    const novel = { ...data, rsdbDocuments: 2, speechesWeight: 0, codeWeight: 0 };
    expect(about({ data: novel })).toEqual([]);
    expect(about({ data: novel, phase2: { startsAt: 9 } })).toEqual([
      'data.rsdbDocuments: 2 is under one for each text of the mixture (3) and each of data.rsdbWorkers (2)',
    ]);
    expect(about({ data: { ...data, order: 'sequential', rsdbDocuments: 2 } })).toEqual([]);
  });

  test('is split evenly over its workers', () => {
    expect(about({ data: { order: 'rsdb', rsdbDocuments: 20, rsdbWorkers: 3 } })).toEqual([
      'data.rsdbWorkers: 3 does not divide data.rsdbDocuments (20)',
    ]);
  });
});

describe('the phases of a mixture', () => {
  test('follow each other, and each has something to read', () => {
    expect(about({ phase3: { startsAt: 5 } })).toEqual([
      'phase3.startsAt: 5 is not after phase2.startsAt (0)',
    ]);
    expect(about({ phase2: { startsAt: 8 }, phase3: { startsAt: 8 } })).toEqual([
      'phase3.startsAt: 8 is not after phase2.startsAt (8)',
    ]);
    const nothing = {
      novelWeight: 0,
      speechesWeight: 0,
      codeWeight: 0,
      arithmeticWeight: 0,
      recallWeight: 0,
    };
    expect(about({ phase2: nothing })).toEqual([]);
    expect(about({ phase2: { ...nothing, startsAt: 3 } })).toEqual([
      'phase2.novelWeight: every share of the mixture is 0; one must be over 0',
    ]);
  });
});

test('untied sequences need a vocabulary with the sentinel bytes', () => {
  expect(about({ data: { utkShare: 0.3 }, model: { vocabSize: 200 } })).toEqual([
    'data.utkShare: 0.3 needs sentinel bytes, so a model.vocabSize of at least 256, got 200',
  ]);
  expect(about({ model: { vocabSize: 200 } })).toEqual([]);
});
