/** @file Runs that are saved, killed, resumed, measured and handed over by the command line, in processes of their own. */
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyExperiment } from '../support/trainer';
import { lab, labProcess } from './lab';

const root = mkdtempSync(join(tmpdir(), 'lab-checkpoint-'));
afterAll(() => rmSync(root, { recursive: true }));
const at = (name: string) => join(root, name);
const experiment = at('tiny.json');
writeFileSync(experiment, JSON.stringify(tinyExperiment({ probes: { needleTrials: 2 } })));

const done = async (...args: string[]) => {
  const { code, out, err } = await labProcess(args);
  expect(code, err).toBe(0);
  return out;
};
const contents = (folder: string) =>
  new Map(readdirSync(at(folder)).map((name) => [name, readFileSync(join(at(folder), name))]));
type Line = { readonly event: string; readonly step: number } & Record<string, unknown>;
const linesOf = (path: string): Line[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** A run of twelve steps that nothing stopped. */
beforeAll(async () => {
  await done('train', experiment, '--steps', '12', '--checkpoint', at('whole'));
});

describe('a run that is saved', () => {
  it('goes on to the same bits from any step, saved in its place', async () => {
    const metrics = at('part.jsonl');
    const train = ['train', experiment, '--steps', '7', '--every', '3', '--metrics', metrics];
    await done(...train, '--checkpoint', at('part'));
    const out = await done('resume', at('part'), '--steps', '12', '--metrics', metrics);
    expect(out).toMatch(/^step 12 · loss/);
    expect(contents('part')).toEqual(contents('whole'));
    expect(readdirSync(root).filter((name) => name.startsWith('part'))).toEqual([
      'part',
      'part.jsonl',
    ]);
    const lines = linesOf(metrics);
    expect(lines.filter(({ event }) => event === 'start').map(({ step }) => step)).toEqual([0, 7]);
    const steps = lines.filter((line) => 'train.loss' in line).map(({ step }) => step);
    expect(steps).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });

  it('killed without warning goes on from its last checkpoint to the same bits', async () => {
    const args = ['train', experiment, '--steps', '100000', '--every', '1', '--checkpoint'];
    await killed([...args, at('killed')], at('killed'));
    const { step } = JSON.parse(readFileSync(join(at('killed'), 'trainer.json'), 'utf8'));
    expect(step).toBeGreaterThan(0);
    await done('resume', at('killed'), '--steps', String(step + 2));
    await done('train', experiment, '--steps', String(step + 2), '--checkpoint', at('never'));
    expect(contents('killed')).toEqual(contents('never'));
  });

  it('is saved when it is interrupted', async () => {
    const args = ['train', experiment, '--steps', '1000000', '--checkpoint', at('cut')];
    const { code, err } = await labProcess(args, {}, (soFar, interrupt) => {
      if (/^step 1\b/m.test(soFar)) interrupt();
    });
    expect(code, err).toBe(130);
    const { step } = JSON.parse(readFileSync(join(at('cut'), 'trainer.json'), 'utf8'));
    expect(step).toBeGreaterThanOrEqual(1);
  });

  it('can be saved elsewhere, and leaves the folder that it came from', async () => {
    const before = contents('whole');
    await done('resume', at('whole'), '--steps', '13', '--checkpoint', at('other'));
    expect(contents('whole')).toEqual(before);
    expect(contents('other')).not.toEqual(before);
  });

  it('is not replaced where its weights were saved by somebody else', async () => {
    cpSync(at('whole'), at('foreign'), { recursive: true });
    for (const name of ['trainer.json', 'optimizer.safetensors']) rmSync(join(at('foreign'), name));
    const before = contents('foreign');
    const { code, err } = await labProcess(['resume', at('foreign'), '--steps', '1']);
    expect(code, err).toBe(0);
    expect(err).toContain('weights of a checkpoint without a run');
    expect(contents('foreign')).toEqual(before);
  });

  it('that is damaged is refused with one line and 2, and is not touched', async () => {
    cpSync(at('whole'), at('damaged'), { recursive: true });
    writeFileSync(join(at('damaged'), 'model.safetensors'), 'nonsense');
    const { code, err } = await labProcess(['resume', at('damaged'), '--steps', '13']);
    expect(code, err).toBe(2);
    expect(err).toMatch(/^lab: model\.safetensors: .+$/m);
  });
});

describe('eval', () => {
  it('measures held-out text, the balance on it and needles', async () => {
    const out = await done('eval', at('whole'), '--needles');
    const number = (label: string) => Number(out.match(new RegExp(`^${label} ([\\d.]+)`, 'm'))![1]);
    expect(out).toMatch(/^step 12$/m);
    const [nats, bits] = [...out.matchAll(/^held out ([\d.]+)/gm)].map(([, value]) =>
      Number(value),
    );
    expect(bits! * Math.LN2).toBeCloseTo(nats!, 2);
    expect(number('global MaxVio')).toBeGreaterThanOrEqual(0);
    // Loads that are added up first are never less even than the batches on average.
    expect(number('batch MaxVio')).toBeGreaterThanOrEqual(number('global MaxVio'));
    expect(out).toContain('Needles after step 12');
  });

  it('tells the same as JSON', async () => {
    const told = JSON.parse(await done('eval', at('whole'), '--json'));
    expect(told).toMatchObject({ step: 12, 'eval.crossEntropy': expect.any(Number) });
    expect(told['eval.bitsPerByte']).toBeCloseTo(told['eval.crossEntropy'] / Math.LN2, 10);
  });
});

describe('generate', () => {
  it('continues the prompt, another seed otherwise', async () => {
    const args = ['generate', at('whole'), '--prompt', 'Ahoy ', '--length', '12', '--seed', '3'];
    const text = await done(...args);
    expect(text.startsWith('Ahoy ')).toBe(true);
    expect(await done(...args.slice(0, -1), '4')).not.toBe(text);
  });

  it('says so where the context ends the text', async () => {
    const ask = async (length: number) => {
      const { code, err } = await labProcess([
        ...['generate', at('whole'), '--prompt', 'Ahoy ', '--length', String(length)],
      ]);
      expect(code).toBe(0);
      return err;
    };
    expect(await ask(4000)).toMatch(/^lab: ends after \d+ of 4,000 bytes: prompt and text fill/m);
    expect(await ask(2)).not.toContain('ends after');
  });
});

describe('export', () => {
  it('leaves out what only the lab reads, and tells how to use the rest', async () => {
    await lab('export', at('whole'), '--for', 'transformers', '--out', at('hf'));
    const [out, whole] = [contents('hf'), contents('whole')];
    expect([...out.keys()].sort()).toEqual([
      'README.md',
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
      'train.py',
      'training_arguments.json',
    ]);
    for (const name of ['config.json', 'model.safetensors']) {
      expect(out.get(name)!.equals(whole.get(name)!), name).toBe(true);
    }
    for (const word of ['from_pretrained', 'vllm serve .', '--max-model-len 32', 'step 12']) {
      expect(out.get('README.md')!.toString()).toContain(word);
    }
    expect(out.get('train.py')!.toString()).toContain('CONTEXT = 32\n');
    expect(JSON.parse(out.get('training_arguments.json')!.toString())).toMatchObject({
      learning_rate: 0.003,
      per_device_train_batch_size: 2,
      warmup_steps: 8,
    });
  });

  it('gives torchtitan the hyper-parameters in its own names', async () => {
    await lab('export', at('whole'), '--for', 'torchtitan', '--out', at('titan'));
    const out = contents('titan');
    const recipe = out.get('trinity_lab_run.py')!.toString();
    for (const line of [
      'transformers_modeling_backend_full_moe(seq_len=32)',
      'lr=0.003,',
      'config.lr_scheduler.warmup_steps = 8',
      'config.training.num_tokens_per_train_step = NGPU * 64',
      'config.training.max_norm = 1',
      'config.checkpoint.initial_load_in_hf = True',
    ]) {
      expect(recipe).toContain(line);
    }
    expect(JSON.parse(out.get('config.json')!.toString())).toMatchObject({
      model_type: 'afmoe',
      scoring_func: 'sigmoid',
      norm_topk_prob: true,
      routed_scaling_factor: 2.826,
    });
    expect(out.get('README.md')!.toString()).toContain('./run_train.sh');
  });

  it('refuses a model that the code of its family cannot run, naming every setting', async () => {
    const path = at('odd.json');
    const odd = tinyExperiment({ model: { attentionGate: false, kvShare: 2, positions: 'all' } });
    writeFileSync(path, JSON.stringify(odd));
    await done('train', path, '--steps', '1', '--checkpoint', at('odd'));
    const { code, err } = await lab('export', at('odd'), '--for=transformers', '--out', at('no'));
    expect(code).toBe(2);
    for (const row of ['model.attentionGate false', 'model.kvShare 2', 'model.positions all']) {
      expect(err).toContain(row);
    }
    expect(err).toMatch(/^lab: [^\n]+\n$/);
    expect(existsSync(at('no'))).toBe(false);
  });

  it('refuses another destination, a folder in use, and a run that is not there', async () => {
    const refused = async (why: RegExp, ...args: string[]) => {
      const { code, err } = await lab('export', ...args);
      expect({ code, line: err }).toEqual({ code: 2, line: expect.stringMatching(why) });
    };
    await refused(
      /--for: want transformers or torchtitan, got ollama/,
      at('whole'),
      '--for=ollama',
      '--out=x',
    );
    await refused(
      /holds a checkpoint already/,
      at('whole'),
      '--for=transformers',
      '--out',
      at('whole'),
    );
    await refused(/trainer.json is missing/, at('foreign'), '--for=torchtitan', '--out', at('no'));
  });
});

/** Starts a command and ends it with SIGKILL some steps after its folder is there. */
function killed(args: readonly string[], folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['scripts/lab.mjs', ...args], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: 'ignore',
    });
    const watch = setInterval(() => {
      if (!existsSync(join(folder, 'trainer.json'))) return;
      clearInterval(watch);
      setTimeout(() => child.kill('SIGKILL'), 300);
    }, 50);
    child.on('error', reject);
    child.on('close', () => {
      clearInterval(watch);
      resolve();
    });
  });
}
