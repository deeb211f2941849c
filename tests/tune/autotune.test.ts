import { describe, expect, it } from 'vitest';
import { experimentOn, resolve } from '@/engine/config/experiment';
import { memoryLimits } from '@/engine/gpu/arena';
import { JOINED, joiningQuestion, type Question, shapeClass, tunedBy } from '@/engine/gpu/tuning';
import { groupedVariants } from '@/engine/ops/groupedMatmul.variants';
import { matmulVariants } from '@/engine/ops/matmul.variants';
import { autotune, questionsOf } from '@/engine/tune/autotune';
import { Contest } from '@/engine/tune/contest';
import { stepQuestions } from '@/engine/tune/stepQuestions';
import { ruleFor, subjectOf } from '@/engine/tune/subjects';
import { openLab } from '../support/lab';

const lab = openLab();
const product = (...sides: number[]): Question => ({ op: 'matmul', form: 'nn', sides });
const software = { name: '', vendor: '', architecture: '', isSoftware: true };
const graphics = { ...software, isSoftware: false };
const card = { info: graphics, subgroupSize: 32, hasSubgroupMatrices: false };

describe('a shape class', () => {
  it('rounds sides to powers of four, so that near sizes share one', () => {
    expect(shapeClass(product(1, 512, 344, 128))).toBe('matmul nn 1x1024x256x256');
    expect(shapeClass(product(1, 600, 300, 256))).toBe('matmul nn 1x1024x256x256');
    expect(shapeClass(product(1, 511, 344, 128))).toBe('matmul nn 1x256x256x256');
    expect(shapeClass(product(5, 1, 2, 100_000))).toBe('matmul nn 4x1x4x4096');
  });

  it('finds its answer in a table', () => {
    const tuning = tunedBy({ 'matmul nn 1x1024x256x256': 'plain' });
    expect(tuning(product(1, 512, 344, 128))).toBe('plain');
    expect(tuning(product(1, 128, 344, 128))).toBeUndefined();
  });
});

describe('questions', () => {
  it('are those of a recording, one for each class', () => {
    const asked = questionsOf((tuning) => {
      for (const side of [512, 514, 64]) tuning(product(1, side, 64, 64));
    });
    expect(asked.map(({ sides }) => sides[1])).toEqual([512, 64]);
  });

  it('of a step are its products, without a device', () => {
    const limits = { maxBufferBytes: 2 ** 28, maxBindingBytes: 2 ** 27 };
    const asked = stepQuestions(resolve(experimentOn('micro')), limits);
    const forms = new Set(asked.map(({ op, form }) => `${op} ${form}`));
    const products = ['nn', 'nt', 'tn'].map((form) => `matmul ${form}`);
    const experts = ['forward', 'dx', 'dw'].map((part) => `groupedMatmul ${part}`);
    const parts = ['forward', 'dq', 'dkv'].map((part) => `attention ${part}`);
    const joining = `${joiningQuestion.op} ${joiningQuestion.form}`;
    expect(forms).toEqual(new Set([...products, ...experts, ...parts, joining]));
  });
});

describe('a subject', () => {
  it('offers what the adapter can run', () => {
    const variants = (info: typeof software, subgroupSize: number) =>
      subjectOf(product(1, 512, 512, 512), { ...card, info, subgroupSize })?.variants;
    expect(variants(software, 0)).toEqual(['tile']);
    expect(variants(software, 4)).toEqual(['tile']);
    expect(variants(software, 8)).toEqual(['tile', 'subgroup8', 'subgroup8tall']);
    expect(variants(graphics, 32)).toContain('subgroup32');
    expect(variants(graphics, 0)).not.toContain('subgroup32');
  });

  it('offers matrices only where the adapter has them', () => {
    const variants = (hasSubgroupMatrices: boolean) =>
      subjectOf(product(1, 512, 512, 512), { ...card, hasSubgroupMatrices })?.variants;
    expect(variants(true)).toContain('subgroupMatrix');
    expect(variants(false)).not.toContain('subgroupMatrix');
  });

  it('is no larger than an adapter does at once, and in whole fours', () => {
    const { inputs } = subjectOf(product(1, 4096, 4099, 513), {
      ...card,
      info: software,
    })!;
    const [a, b, c] = inputs.map(({ shape }) => shape[0]!);
    expect(Math.sqrt(a! * b! * c!)).toBeLessThanOrEqual(2 ** 23);
    for (const length of [a, b, c]) expect(length! % 16).toBe(0);
  });

  it('of experts has as many rows for each of them', () => {
    const question = { op: 'groupedMatmul', form: 'dw', sides: [8, 64, 128, 256] };
    const { inputs, variants } = subjectOf(question, { ...card, subgroupSize: 8 })!;
    const bySubgroups = ['tile', 'subgroup8', 'subgroup8tall'];
    expect(variants).toEqual([...bySubgroups, 'shared64', 'shared128']);
    expect(subjectOf(question, { ...card, info: software, subgroupSize: 8 })?.variants).toEqual(
      bySubgroups,
    );
    expect(inputs.slice(0, 3).map(({ shape }) => shape[0])).toEqual([
      512 * 128,
      512 * 256,
      8 * 128 * 256,
    ]);
    const rows = inputs[3]!.values!;
    expect([0, 1, 7].map((e) => rows.filter((row) => row === e).length)).toEqual([64, 64, 64]);
  });

  it('of attention is by rows or by subgroups of eight, where the heads are not too wide', () => {
    const variants = (C: number, subgroupSize: number) =>
      subjectOf(
        { op: 'attention', form: 'dq', sides: [4, 4, 128, 64, C] },
        { ...card, info: software, subgroupSize },
      )?.variants;
    expect(variants(16, 8)).toEqual(['matrices', 'subgroup8']);
    expect(variants(16, 4)).toEqual(['matrices']);
    expect(variants(32, 32)).toEqual(['rows']);
    expect(variants(128, 8)).toEqual(['rows']);
  });

  it('is none where there is nothing to gain', () => {
    const adapter = { ...card, info: software };
    expect(subjectOf(product(1, 16, 16, 16), adapter)).toBeUndefined();
    expect(subjectOf({ op: 'none', form: '', sides: [1024, 1024] }, adapter)).toBeUndefined();
  });
});

describe('joining dispatches', () => {
  it('is out of the question on a software adapter, without a contest', async () => {
    const adapter = { ...card, info: software };
    expect(ruleFor(joiningQuestion, adapter)).toBe('apart');
    expect(ruleFor(product(1, 512, 512, 512), adapter)).toBeUndefined();
    const table = await autotune(lab.open(), [joiningQuestion], {}, undefined, 0);
    expect(table).toEqual({ [shapeClass(joiningQuestion)]: 'apart' });
  });

  it('is a contest on a graphics card: the same two products, in one dispatch or in two', async () => {
    expect(ruleFor(joiningQuestion, card)).toBeUndefined();
    const subject = subjectOf(joiningQuestion, card)!;
    const contest = await Contest.open(lab.open(), subject);
    expect(contest.entrants.map(({ program }) => program.actions.length)).toEqual([1, 2]);
    const works = contest.entrants.map(({ program: { actions } }) =>
      actions.reduce((sum, { work }) => sum + work.flops, 0),
    );
    expect(works).toEqual([4 * 256 ** 3, 4 * 256 ** 3]);
    expect([JOINED, 'apart']).toContain(await contest.winner(() => false));
    contest.close();
  });
});

describe('autotune', () => {
  it('answers what is open, keeps what is known and stops when its time is up', async () => {
    const open = lab.open();
    const known = product(1, 512, 512, 512);
    const experts = { op: 'groupedMatmul', form: 'dw', sides: [4, 16, 64, 64] };
    const questions = [known, product(1, 128, 64, 64), experts];
    const told: number[][] = [];
    const table = await autotune(open, questions, { [shapeClass(known)]: 'old' }, (...args) => {
      told.push(args);
    });
    expect(table[shapeClass(known)]).toBe('old');
    expect(told).toEqual([
      [0, 2],
      [1, 2],
    ]);
    const answers = questions.slice(1).map((question) => table[shapeClass(question)]);
    if (open.subgroupSize >= 8) {
      expect(Object.keys(matmulVariants)).toContain(answers[0]);
      expect(Object.keys(groupedVariants)).toContain(answers[1]);
    }
    expect(await autotune(open, questions, {}, undefined, 0)).toEqual({});
    open.check();
  });

  it('answers each part of attention', async () => {
    const open = lab.open();
    const questions = ['forward', 'dq', 'dkv'].map((form) => ({
      op: 'attention',
      form,
      sides: [4, 4, 64, 64, 4],
    }));
    const table = await autotune(open, questions, {}, undefined, 60_000);
    open.check();
    if (open.subgroupSize < 8 || open.subgroupSize >= 32) return;
    for (const question of questions) {
      expect(['rows', 'subgroup8']).toContain(table[shapeClass(question)]);
    }
  });

  it('asks about what a step of a preset records', async () => {
    const open = lab.open();
    const settings = resolve(experimentOn('micro'));
    const questions = stepQuestions(settings, memoryLimits(open.device));
    const table = await autotune(open, questions, {});
    const classes = new Set(questions.map(shapeClass));
    expect(Object.keys(table).filter((key) => !classes.has(key))).toEqual([]);
  });
});
