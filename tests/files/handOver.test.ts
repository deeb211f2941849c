import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { experimentOn, type LiveChange, resolve } from '@/engine/config/experiment';
import { huggingFaceConfig } from '@/engine/config/huggingFaceConfig';
import { learningRateFactor } from '@/engine/config/learningRate';
import type { Settings, SettingsChanges } from '@/engine/config/settings';
import { checkpointTensors } from '@/engine/files/checkpoint';
import type { Folder } from '@/engine/files/folder';
import { type Destination, destinations, handOver } from '@/engine/files/handOver';
import { biasNames, hasBiases } from '@/engine/files/names';
import { layOutSafetensors } from '@/engine/files/safetensorsWriter';
import { writeTrainerFile } from '@/engine/files/trainerFile';
import { parameterSpecs } from '@/engine/model/parameters';

const presetOf = { trinity: 'micro', hunyuan: 'hunyuan-micro', dots: 'dots-micro' } as const;
type Family = keyof typeof presetOf;
const families = Object.keys(presetOf) as Family[];

interface Run {
  readonly family?: Family;
  readonly changes?: SettingsChanges;
  readonly timeline?: readonly LiveChange[];
  /** Finished steps; undefined: somebody else's folder, without trainer.json. */
  readonly step?: number | undefined;
}

const small = {
  width: 8,
  headCount: 2,
  kvHeadCount: 2,
  headWidth: 4,
  denseWidth: 8,
  expertWidth: 8,
};

const experimentOf = ({ family = 'trinity', changes = {}, timeline = [] }: Run) => ({
  ...experimentOn(presetOf[family]),
  changes: { ...changes, model: { ...small, ...changes.model } },
  timeline,
});

/** A checkpoint whose weights are all 0. */
function checkpoint(run: Run): Folder {
  const experiment = experimentOf(run);
  const settings = resolve(experiment);
  const { model } = settings;
  const tensors = [
    ...parameterSpecs(model).flatMap((spec) => checkpointTensors(model, spec)),
    ...(hasBiases(model)
      ? biasNames(model).map((name) => ({ name, shape: [model.expertCount] }))
      : []),
  ];
  const state = {
    experiment,
    cursor: null,
    stability: null,
    isImported: false,
    adapter: '',
  };
  return new Map([
    ['config.json', new TextEncoder().encode(JSON.stringify(huggingFaceConfig(settings)))],
    ...layOutSafetensors('model', tensors).files,
    ...(run.step === undefined
      ? []
      : [['trainer.json', writeTrainerFile({ ...state, step: run.step })] as const]),
  ]);
}

/** A file of float32 zeros as one of bf16 zeros. */
function halved(file: Uint8Array): number[] {
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerBytes)));
  for (const tensor of Object.values<Record<string, unknown>>(header)) {
    if (!tensor['dtype']) continue;
    tensor['dtype'] = 'BF16';
    tensor['data_offsets'] = (tensor['data_offsets'] as number[]).map((at) => at / 2);
  }
  const own = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(new BigUint64Array([BigInt(own.length)]).buffer);
  return [...length, ...own, ...new Uint8Array((file.length - 8 - headerBytes) / 2)];
}

const text = (files: Folder, name: string) => new TextDecoder().decode(files.get(name));
const handed = (run: Run, destination: Destination = 'transformers') =>
  handOver(checkpoint({ step: 12, ...run }), destination);
const readme = (run: Run, destination?: Destination) => text(handed(run, destination), 'README.md');
const script = (run: Run) => text(handed(run), 'train.py');
const recipe = (run: Run) => text(handed(run, 'torchtitan'), 'trinity_lab_run.py');

interface Arguments {
  readonly max_steps: number;
  readonly learning_rate: number;
  readonly lr_scheduler_type: 'constant_with_warmup' | 'warmup_stable_decay';
  readonly warmup_steps: number;
  readonly lr_scheduler_kwargs: {
    readonly num_stable_steps: number;
    readonly num_decay_steps: number;
    readonly decay_type: 'linear' | 'cosine';
    readonly min_lr_ratio: number;
  };
}
const argumentsOf = (run: Run): Arguments & Record<string, unknown> =>
  JSON.parse(text(handed(run), 'training_arguments.json'));

/** The rate of the 0-based step as transformers 5 documents it: constant_with_warmup and get_wsd_schedule. */
function transformersRate(args: Arguments, step: number): number {
  const { learning_rate: peak, warmup_steps: warmup, lr_scheduler_type: type } = args;
  if (type === 'constant_with_warmup') return step < warmup ? (peak * step) / warmup : peak;
  const { num_stable_steps, num_decay_steps, decay_type, min_lr_ratio } = args.lr_scheduler_kwargs;
  const above = (share: number) => peak * (share * (1 - min_lr_ratio) + min_lr_ratio);
  if (step < warmup) return above(step / warmup);
  const decayed = step - warmup - num_stable_steps;
  if (decayed < 0) return peak;
  if (decayed >= num_decay_steps) return peak * min_lr_ratio;
  const progress = decayed / num_decay_steps;
  return above(decay_type === 'linear' ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2);
}

const anneals: Record<string, Partial<Settings['schedule']>> = {
  constant: { decay: 'none' },
  'linear to 0': { decay: 'linear', finalRatio: 0 },
  'linear to a tenth': { decay: 'linear', finalRatio: 0.1 },
  'cosine to 0': { decay: 'cosine', finalRatio: 0 },
  'cosine to a tenth': { decay: 'cosine', finalRatio: 0.1 },
  'linear, then cosine': {
    ...{
      decay: 'linear',
      finalRatio: 0.3,
      secondDecay: 'cosine',
      secondEnd: 300,
      secondRatio: 0.05,
    },
  },
  'cosine, then linear': {
    ...{
      decay: 'cosine',
      finalRatio: 0.3,
      secondDecay: 'linear',
      secondEnd: 300,
      secondRatio: 0.05,
    },
  },
};
const times = { warmupSteps: 20, decayStart: 100, totalSteps: 200 };
const scheduled = (name: string): SettingsChanges => ({
  schedule: { ...times, ...anneals[name]! },
});

describe('the rates that transformers is told', () => {
  const cases = Object.keys(anneals).flatMap((name) =>
    [20, 21, 99, 100, 101, 150, 199, 200, 250, 299, 300, 400].map((step) => [name, step] as const),
  );
  it.each(cases)('are those of the run: %s, from step %i', (name, step) => {
    const changes = scheduled(name);
    const { schedule, optimizer } = resolve(experimentOf({ changes }));
    const args = argumentsOf({ changes, step });
    expect(args.max_steps).toBeGreaterThan(0);
    for (let later = 0; later < args.max_steps; later++) {
      const rate = optimizer.adamwLearningRate * learningRateFactor(step + later, schedule);
      expect(transformersRate(args, later), `${later} steps later`).toBeCloseTo(rate, 12);
    }
  });

  it('end where the decay ends that is next or under way', () => {
    const steps = (name: string, step: number) =>
      argumentsOf({ changes: scheduled(name), step }).max_steps;
    expect(steps('linear to 0', 12)).toBe(188);
    expect(steps('cosine to a tenth', 150)).toBe(50);
    expect(steps('linear, then cosine', 150)).toBe(50);
    expect(steps('linear, then cosine', 220)).toBe(80);
    expect(steps('constant', 150)).toBe(1000);
    expect(steps('linear to a tenth', 250)).toBe(1000);
  });

  it('warm up over the steps that are left, from the share of the peak that the README names', () => {
    for (const [name, from] of [
      ['constant', 0],
      ['linear to 0', 0],
      ['cosine to a tenth', 0.1],
    ] as const) {
      const run = { changes: scheduled(name), step: 5 };
      const args = argumentsOf(run);
      expect(args.warmup_steps).toBe(15);
      expect(transformersRate(args, 0)).toBeCloseTo(from * args.learning_rate, 12);
      expect(transformersRate(args, 15)).toBe(args.learning_rate);
      expect(readme(run)).toContain(
        `Of the warm-up 15 steps are left; there they start from ${from} of`,
      );
      const { schedule } = resolve(experimentOf(run));
      for (const later of [15, 94, 95, 140]) {
        expect(transformersRate(args, later)).toBeCloseTo(
          3e-3 * learningRateFactor(5 + later, schedule),
          12,
        );
      }
    }
    expect(readme({ changes: scheduled('constant'), step: 20 })).not.toContain('warm-up');
  });

  it('fall from the start where a decay begins before the warm-up is over', () => {
    const changes = { schedule: { ...times, ...anneals['cosine to 0'], decayStart: 10 } };
    const { schedule } = resolve(experimentOf({ changes }));
    const args = argumentsOf({ changes, step: 4 });
    for (const later of [16, 50, 195]) {
      const rate = 3e-3 * learningRateFactor(4 + later, schedule);
      expect(transformersRate(args, later)).toBeCloseTo(rate, 12);
    }
  });
});

/** Fields of `transformers.TrainingArguments` in versions 4.57 and 5.18. */
const fields = [
  ...['output_dir', 'max_steps', 'per_device_train_batch_size', 'gradient_accumulation_steps'],
  ...['optim', 'learning_rate', 'weight_decay', 'adam_beta1', 'adam_beta2', 'adam_epsilon'],
  ...['max_grad_norm', 'lr_scheduler_type', 'lr_scheduler_kwargs', 'warmup_steps', 'seed', 'bf16'],
  ...['logging_steps', 'save_steps'],
];

describe('the hyper-parameters for transformers', () => {
  it('are those of the run', () => {
    const args = argumentsOf({
      changes: {
        data: { batchSequences: 3 },
        schedule: { microBatches: 2, growAt: 10, grownMicroBatches: 5, growAgainAt: 90 },
        optimizer: {
          ...{ adamwLearningRate: 0.004, adamwWeightDecay: 0.2, adamwBeta1: 0.8, adamwBeta2: 0.9 },
          ...{ adamwEps: 1e-6, gradientClip: 0.5 },
        },
        run: { seed: 11 },
      },
    });
    expect(args).toMatchObject({
      ...{ per_device_train_batch_size: 3, gradient_accumulation_steps: 5, optim: 'adamw_torch' },
      ...{ learning_rate: 0.004, weight_decay: 0.2, adam_beta1: 0.8, adam_beta2: 0.9 },
      ...{ adam_epsilon: 1e-6, max_grad_norm: 0.5, seed: 11, bf16: false },
    });
    expect(fields).toEqual(expect.arrayContaining(Object.keys(args)));
  });

  it('follow live changes that the run has made, not those to come', () => {
    const change = (step: number, to: number) =>
      ({ step, path: 'optimizer.adamwLearningRate', from: 3e-3, to }) as const;
    const timeline = [change(5, 0.001), change(40, 0.002)];
    const rate = (step: number) => argumentsOf({ timeline, step }).learning_rate;
    expect([rate(30), rate(50)]).toEqual([0.001, 0.002]);
  });
});

describe('a folder that is handed over', () => {
  const hasPython = spawnSync('python3', ['--version']).status === 0;
  const readAll = 'import ast, json, sys; [ast.parse(source) for source in json.load(sys.stdin)]';
  const python = (sources: readonly string[]) =>
    spawnSync('python3', ['-c', readAll], { input: JSON.stringify(sources) });

  it.each(families)('has all that its README speaks of: %s', (family) => {
    const files = handed({ family });
    for (const name of ['training_arguments.json', 'train.py', 'tokenizer.json']) {
      expect(files.has(name), name).toBe(true);
      expect(text(files, 'README.md')).toContain(name);
    }
    expect(files.has('trainer.json')).toBe(false);
  });

  it.skipIf(!hasPython)('has scripts that Python can read', () => {
    const balanced = (['trinity', 'dots'] as const).flatMap((family) =>
      (['none', 'sign', 'smebu'] as const).map((kind) =>
        script({ family, changes: { balance: { kind } } }),
      ),
    );
    const { status, stderr } = python([...balanced, script({ family: 'hunyuan' }), recipe({})]);
    expect(status, String(stderr)).toBe(0);
    expect(python(['def']).status).not.toBe(0);
  });

  it('names the code of Hunyuan-Large, which transformers has not', () => {
    const files = handed({ family: 'hunyuan' });
    expect(JSON.parse(text(files, 'config.json')).auto_map).toEqual({
      AutoConfig: 'configuration_hunyuan.HunYuanConfig',
      AutoModelForCausalLM: 'modeling_hunyuan.HunYuanForCausalLM',
    });
    // Its plain positions are rounded to bf16, so they are asked for as scaled by 1.
    expect(JSON.parse(text(files, 'config.json')).rope_scaling).toEqual({
      ...{ type: 'dynamic', factor: 1, alpha: 1 },
    });
    for (const name of ['README.md', 'train.py']) {
      expect(text(files, name).match(/trust_remote_code=True/g), name).toHaveLength(2);
    }
    expect(text(files, 'README.md')).toContain("'transformers<5'");
    expect(text(files, 'README.md')).not.toContain('vllm serve');
    for (const family of ['trinity', 'dots'] as const) {
      expect(script({ family })).not.toContain('trust_remote_code');
      expect(text(handed({ family }), 'config.json')).not.toContain('auto_map');
    }
  });

  it('without trainer.json is told how to run, not how to train', () => {
    const files = handed({ step: undefined });
    expect([...files.keys()].sort()).toEqual([
      ...['README.md', 'config.json', 'model.safetensors', 'tokenizer.json'],
      'tokenizer_config.json',
    ]);
    expect(text(files, 'README.md')).not.toMatch(/train\.py|Go on training|steps/);
    expect(() => handed({ step: undefined }, 'torchtitan')).toThrow(/trainer\.json is missing/);
  });

  it('tells what weights of others are, and leaves them their tokenizer', () => {
    const foreign = new Map(checkpoint({}));
    expect(text(handOver(foreign, 'transformers'), 'README.md')).toMatch(
      /in float32 and under .*\nThey came without a tokenizer/,
    );
    const bytes = foreign.get('model.safetensors')!;
    const half = new Uint8Array(halved(bytes));
    foreign.set('model.safetensors', half);
    foreign.set('tokenizer.json', new TextEncoder().encode('{"theirs":true}'));
    const files = handOver(foreign, 'transformers');
    expect(text(files, 'tokenizer.json')).toBe('{"theirs":true}');
    expect(files.has('tokenizer_config.json')).toBe(false);
    const words = text(files, 'README.md');
    expect(words).toMatch(/in bfloat16 and under .*\n`tokenizer.json` is the one that they came/);
    expect(words).not.toContain('A token is a byte');
    const own = new Map(checkpoint({ step: 3 })).set('tokenizer.json', new Uint8Array());
    const { vocab } = JSON.parse(text(handOver(own, 'transformers'), 'tokenizer.json')).model;
    expect(Object.keys(vocab)).toHaveLength(256);
  });

  it('is refused where the family cannot say the model, whoever is to read it', () => {
    const changes = { model: { attentionGate: false } };
    for (const destination of destinations) {
      expect(() => handed({ changes }, destination)).toThrow(/model\.attentionGate false/);
    }
    expect(() => handed({ family: 'hunyuan' }, 'torchtitan')).toThrow(/model\.family hunyuan/);
    const moved = { balance: { kind: 'sign' } } as const;
    expect(() => handed({ family: 'hunyuan', changes: moved })).toThrow(/balance\.kind sign/);
  });
});

describe('the balance in train.py', () => {
  it('is the rule of the run, on the modules of the family', () => {
    const gamma = { kind: 'sign', gamma: 0.002 } as const;
    const sign = script({ changes: { balance: gamma } });
    expect(sign).toContain('bias += 0.002 * torch.sign(mean - counts)');
    expect(sign).toContain('bias -= bias.mean()');
    expect(sign).toContain('layer.router.register_forward_hook');
    expect(sign).toContain('bias, mean = layer.expert_bias,');
    const dots = script({ family: 'dots', changes: { balance: gamma } });
    expect(dots).not.toContain('bias -=');
    expect(dots).toContain('layer.gate.register_forward_hook');
    expect(dots).toContain('bias, mean = layer.gate.e_score_correction_bias,');
    const smebu = { kind: 'smebu', lambda: 0.001, beta: 0.9, kappa: 3 } as const;
    const soft = script({ changes: { balance: smebu } });
    expect(soft).toContain('move = 0.001 * torch.tanh(3 * (mean - counts) / mean)');
    expect(soft).toContain('0.9 * self.momenta[index] + 0.1 * (move - move.mean())');
  });

  it('is not there where biases stayed', () => {
    for (const kind of ['none', 'forced'] as const) {
      expect(script({ changes: { balance: { kind } } })).not.toMatch(/Balance|Callback|callbacks/);
    }
  });
});

describe('what a README says is not the same', () => {
  /** A line, settings that call for it, and settings that do not. */
  const plain: SettingsChanges = {
    optimizer: { hidden: 'adamw', embeddingWeightDecay: 0.1, normWeightDecay: 0 },
    balance: { kind: 'sign' },
    loss: { zWeight: 0, sequenceBalance: 0, switchBalance: 0 },
    schedule: { warmupSteps: 0 },
    data: { intraDocumentMask: false },
  };
  const lines: [RegExp, SettingsChanges][] = [
    [/moved by Muon \(rate 0\.02, momentum 0\.95\)/, { optimizer: { hidden: 'muon' } }],
    [/momenta of the balancer/, { balance: { kind: 'smebu' } }],
    [/left out: z 0\.001, sequence balance 0,/, { loss: { zWeight: 0.001 } }],
    [/dealt to the experts in turn/, { balance: { kind: 'forced' } }],
    [/Routed experts had a rate/, { optimizer: { expertRate: 'fixed' } }],
    [/was to grow at step 50/, { schedule: { growAt: 5, growAgainAt: 50 } }],
    [/MXFP8/, { model: { linearPrecision: 'mxfp8' } }],
    [/Documents were masked/, { data: { intraDocumentMask: true } }],
    [
      /A second decay to 0\.03 of the peak, by step 2400/,
      { schedule: { decay: 'linear', secondDecay: 'linear' } },
    ],
  ];
  const mixed = (changes: SettingsChanges): SettingsChanges =>
    Object.fromEntries(
      [...new Set([...Object.keys(plain), ...Object.keys(changes)])].map((group) => [
        group,
        { ...plain[group as keyof Settings], ...changes[group as keyof Settings] },
      ]),
    );

  it.each(destinations)('is there where the run had it, and only there: %s', (destination) => {
    const without = readme({ changes: plain }, destination);
    expect(without).toContain('Moments of the optimizer are not carried over: they start at 0.');
    for (const [line, changes] of lines) {
      expect(readme({ changes: mixed(changes) }, destination)).toMatch(line);
      expect(without).not.toMatch(line);
    }
    const past = mixed({ schedule: { growAt: 5, growAgainAt: 9 } });
    expect(readme({ changes: past }, destination)).not.toContain('was to grow');
  });

  it('tells transformers of decay groups and of a capacity', () => {
    const decays = mixed({ optimizer: { embeddingWeightDecay: 0.3 } });
    expect(readme({ changes: decays })).toContain(
      'of embedding and head was 0.3, that of gains 0;',
    );
    const gains = mixed({ optimizer: { normWeightDecay: 0.2 } });
    expect(readme({ changes: gains })).toContain(
      'of embedding and head was 0.1, that of gains 0.2;',
    );
    expect(readme({ changes: plain })).not.toContain('weight decay');
    expect(readme({ family: 'hunyuan' })).toContain('Experts took at most 1.25 times their share');
  });

  it('follows a second decay that is under way, but not one that rises from 0', () => {
    const schedule = { ...times, ...anneals['linear, then cosine'] };
    expect(readme({ changes: { schedule }, step: 150 })).toContain('A second decay');
    expect(readme({ changes: { schedule }, step: 250 })).not.toContain('A second decay');
    const rising = { changes: { schedule: { ...schedule, finalRatio: 0 } }, step: 250 };
    expect(readme(rising)).toContain('A second decay');
    expect(readme({ changes: { schedule }, step: 300 })).not.toContain('A second decay');
  });

  it('says where rates have come down to 0', () => {
    const changes = scheduled('linear to 0');
    expect(readme({ changes, step: 200 })).toContain('so has `learning_rate`');
    expect(argumentsOf({ changes, step: 200 }).learning_rate).toBe(0);
    expect(readme({ changes, step: 199 })).not.toContain('come down to 0');
  });
});

describe('the recipe for torchtitan', () => {
  const number = (run: Run, name: string) =>
    Number(recipe(run).match(new RegExp(`\\b${name} ?= ?([\\d.e-]+)`))![1]);

  it('goes on at the rate of now, whatever the schedule has done', () => {
    for (const name of Object.keys(anneals))
      for (const step of [20, 150, 199, 250]) {
        const run = { changes: scheduled(name), step };
        const { schedule } = resolve(experimentOf(run));
        const rate = 3e-3 * learningRateFactor(step, schedule);
        expect(number(run, 'lr'), `${name}, step ${step}`).toBeCloseTo(rate, 12);
      }
  });

  it('ends its decay where the run does', () => {
    const run = { changes: scheduled('linear to a tenth'), step: 150 };
    expect(number(run, 'steps')).toBe(50);
    expect(number(run, 'decay_ratio')).toBe(1);
    expect(number(run, 'lr') * number(run, 'min_lr_factor')).toBeCloseTo(3e-4, 12);
    const early = { ...run, step: 50 };
    expect(number(early, 'decay_ratio')).toBeCloseTo(100 / 150, 12);
    expect(number(early, 'min_lr_factor')).toBe(0.1);
    expect(readme({ changes: scheduled('cosine to 0'), step: 150 }, 'torchtitan')).toContain(
      'A cosine decay was under way',
    );
    expect(readme(run, 'torchtitan')).not.toContain('cosine');
  });

  it('says what becomes of the biases', () => {
    const of = (kind: Settings['balance']['kind']) =>
      readme({ changes: { balance: { kind } } }, 'torchtitan');
    expect(of('smebu')).toContain('Biases were moved by SMEBU; torchtitan has the sign rule');
    expect(of('none')).toContain('Biases were left where they are; torchtitan has the sign rule');
    expect(of('sign')).not.toContain('Biases were');
  });
});
