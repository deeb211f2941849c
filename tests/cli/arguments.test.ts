/** @file What is typed: help, exit codes, and one readable line for everything that cannot be. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { settingRows } from '@/engine/config/settings';
import { decodeLink, type Experiment, encodeLink, experimentOn, presets } from '@/engine/index';
import { lab } from './lab';

const folder = mkdtempSync(join(tmpdir(), 'lab-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** The experiment that arguments stand for, by the link of it. */
async function linked(...args: string[]): Promise<Experiment> {
  const { code, out, err } = await lab('link', ...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const decoded = decodeLink(out.trim());
  if ('error' in decoded) throw new Error(decoded.error);
  return decoded.experiment;
}

const commands = ['train', 'resume', 'eval', 'generate', 'export', 'plan', 'link', 'replay'];

describe('help', () => {
  it('is on standard output where it is asked for', async () => {
    for (const args of [['--help'], ['-h'], ['help']]) {
      const { code, out, err } = await lab(...args);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      for (const name of commands) expect(out).toContain(`\n  ${name} `);
      expect(out).toContain('Exit codes');
    }
  });

  it.each(['train', 'plan', 'link'])('of %s names every setting and every preset', async (name) => {
    const { code, out } = await lab(name, 'micro', '--help');
    expect(code).toBe(0);
    for (const [path, { help }] of settingRows) {
      expect(out).toContain(`${path}=`);
      expect(out).toContain(help);
    }
    for (const { id } of presets) expect(out).toContain(id);
  });

  it.each(commands)('of %s tells how it is called', async (name) => {
    const { code, out, err } = await lab(name, '--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(new RegExp(`^Usage: npm run -s lab -- ${name} (EXPERIMENT|DIR) `, 'm'));
    expect(out).toContain('Exit codes');
  });

  it('is on standard error, with the code of a usage error, where no command is named', async () => {
    const { code, out, err } = await lab();
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('Usage');
  });
});

describe('an experiment', () => {
  it('is a preset, a link, the hash of a link or the address of a page', async () => {
    const hash = encodeLink({
      preset: 'micro',
      changes: { data: { recallPairs: 3 } },
      timeline: [],
    });
    expect(await linked('small')).toEqual(experimentOn('small'));
    for (const name of [hash, `#${hash}`, `http://127.0.0.1:4173/#${hash}`]) {
      expect((await linked(name)).changes).toEqual({ data: { recallPairs: 3 } });
    }
  });

  it('is a JSON file, whose live changes know what they change from', async () => {
    const path = file('live.json', {
      preset: 'micro',
      changes: { balance: { kind: 'none' } },
      timeline: [
        { step: 90, path: 'balance.kind', to: 'smebu' },
        { step: 40, path: 'balance.kind', to: 'sign' },
      ],
    });
    expect((await linked(path)).timeline).toEqual([
      { step: 40, path: 'balance.kind', from: 'none', to: 'sign' },
      { step: 90, path: 'balance.kind', from: 'sign', to: 'smebu' },
    ]);
  });

  it('takes --set in every kind of setting, the last one of a path', async () => {
    const { changes } = await linked(
      'micro',
      '--set',
      'data.batchSequences=3',
      '--set=optimizer.muonLearningRate=1e-2',
      '--set=model.embeddingMultiplier=false',
      '--set=balance.kind=none',
      '--set=balance.kind=sign',
      '--set=probes.samplePrompt=a = b',
    );
    expect(changes).toEqual({
      model: { embeddingMultiplier: false },
      data: { batchSequences: 3 },
      optimizer: { muonLearningRate: 0.01 },
      balance: { kind: 'sign' },
      probes: { samplePrompt: 'a = b' },
    });
  });

  it('forgets a --set that gives the value of the preset', async () => {
    expect(await linked('micro', '--set', 'run.seed=7')).toEqual(experimentOn('micro'));
  });
});

describe('what cannot be', () => {
  const cases: [string, string[], RegExp][] = [
    [
      'a command',
      ['trian', 'micro'],
      /trian: no such command; the commands are train, resume, .*link/,
    ],
    ['no experiment', ['plan'], /want an experiment/],
    ['two experiments', ['plan', 'micro', 'small'], /want one experiment, got also small/],
    ['a preset', ['plan', 'micra'], /micra: no preset, link or file .* micro, small/],
    ['a link', ['plan', '#v1.xyz'], /^lab: link: [^.]+\.\n$/],
    ['a link of the future', ['plan', 'v99.abc'], /newer version/],
    ['an option', ['plan', 'micro', '--jsno'], /--jsno: no such option; see lab plan --help/],
    ['a short option', ['plan', 'micro', '-j'], /-j: no such option/],
    ['an option of another command', ['link', 'micro', '--json'], /--json: no such option/],
    ['a flag with a value', ['plan', 'micro', '--json=1'], /--json: takes no value, got 1/],
    ['no value', ['plan', 'micro', '--set'], /--set: want PATH=VALUE/],
    ['half a --set', ['plan', 'micro', '--set', 'model.width'], /want path=value, got model.width/],
    ['a path', ['plan', 'micro', '--set', 'modl.width=8'], /no setting modl.width/],
    [
      'the path of a prototype',
      ['plan', 'micro', '--set', '__proto__.x=8'],
      /no setting __proto__/,
    ],
    ['a number', ['plan', 'micro', '--set', 'model.width=wide'], /model.width: want a number/],
    ['nothing for a number', ['plan', 'micro', '--set', 'model.width='], /number, got nothing/],
    ['a fraction', ['plan', 'micro', '--set', 'model.width=8.5'], /want a whole number/],
    ['a range', ['plan', 'micro', '--set', 'model.width=1e9'], /want 4 to 8192, got 1e9/],
    ['a bool', ['plan', 'micro', '--set', 'optimizer.muonNesterov=yes'], /true or false, got yes/],
    ['a choice', ['plan', 'micro', '--set', 'balance.kind=all'], /want one of none, sign, smebu/],
    ['values together', ['plan', 'micro', '--set', 'model.headCount=3'], /does not divide/],
    ['steps', ['train', 'micro', '--steps', '0'], /--steps: want a whole number from 1, got 0/],
    ['steps twice', ['train', 'micro', '--steps=1', '--steps=2'], /--steps: given more than once/],
    ['no folder', ['resume'], /resume: want a folder; see lab resume --help/],
    ['two folders', ['resume', 'a', 'b'], /want one folder, got also b/],
    ['a folder', ['resume', '/nowhere/x'], /\/nowhere\/x: cannot be read, ENOENT/],
    ['no prompt', ['generate', 'x'], /--prompt: must be given/],
    [
      'a temperature',
      ['generate', 'x', '--prompt=a', '--temperature=hot'],
      /--temperature: want a number from 0 to 5, got hot/,
    ],
    ['a seed', ['generate', 'x', '--prompt=a', '--seed=-1'], /--seed: want a whole number from 0/],
    ['every without a folder', ['train', 'micro', '--every=5'], /--every: there is no folder/],
    [
      'a checkpoint in a folder of something else',
      ['train', 'micro', '--checkpoint', 'src'],
      /src: holds \S+, which is no part of a checkpoint/,
    ],
    [
      'a metrics file',
      ['train', 'micro', '--metrics', '/nowhere/x'],
      /\/nowhere\/x cannot be written/,
    ],
  ];
  it.each(cases)('%s: ends with 2 and one line', async (_, args, message) => {
    const { code, out, err } = await lab(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).toMatch(/^lab: [^\n]+\n$/);
  });

  const files: [string, unknown, RegExp][] = [
    ['no JSON', '{', /is not JSON/],
    ['a list', [], /want an object with a preset/],
    ['no preset', { changes: {} }, /want an object with a preset/],
    ['a slip in a name', { preset: 'micro', chages: {} }, /chages: want preset, changes and/],
    ['a foreign preset', { preset: 'huge' }, /there is no preset named huge/],
    ['a group that is a number', { preset: 'micro', changes: { data: 3 } }, /groups of settings/],
    [
      'a foreign setting',
      { preset: 'micro', changes: { data: { x: 1 } } },
      /data.x: no such setting/,
    ],
    ['a wrong type', { preset: 'micro', changes: { data: { recallPairs: '3' } } }, /want a number/],
    ['a timeline of numbers', { preset: 'micro', timeline: [1] }, /list of live changes/],
    [
      'a change that starts a new run',
      { preset: 'micro', timeline: [{ step: 1, path: 'model.width', to: 8 }] },
      /starts a new run/,
    ],
  ];
  it.each(files)(
    'a file with %s: ends with 2 and one line that names it',
    async (_, content, why) => {
      const path = file('bad.json', content);
      const { code, err } = await lab('plan', path);
      expect(code).toBe(2);
      expect(err).toMatch(why);
      expect(err.startsWith(`lab: ${path}: `)).toBe(true);
      expect(err).toMatch(/^[^\n]+\n$/);
    },
  );
});
