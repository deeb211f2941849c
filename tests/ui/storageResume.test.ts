/** @file Runs that are kept, offered, resumed and opened, against an engine and a disk that a test holds in its hand. */
import { zipSync } from 'fflate';
import { afterEach, describe, expect, it } from 'vitest';
import { type Experiment, experimentOn, type LiveChange } from '@/engine/config/experiment';
import { encodeLink } from '@/engine/config/link';
import { AutomaticKeeper } from '@/ui/state/automatic';
import { boot } from '@/ui/state/boot';
import { laterChanges, offerResume } from '@/ui/state/offers';
import { discard, openFiles, resume } from '@/ui/state/resume';
import { archiveOf, keepRun, remove, rename, writeFolder } from '@/ui/state/saving';
import { change, pause, play, reset } from '@/ui/state/transport';
import type { StoredCheckpoint } from '@/ui/storage/record';
import { type FakeEngine, fakeLab, until } from './support/fakeEngine';
import { FakeDisk } from './support/fakeStorage';

type Made = ReturnType<typeof fakeLab>;

const open: Made[] = [];
const MINUTE = 60_000;
const base = encodeLink(experimentOn('micro'));

afterEach(() => {
  for (const { close } of open.splice(0)) close();
});

/** A page on that disk; a `tab` name makes it a reload of that tab. */
async function page(
  disk = new FakeDisk(),
  { link = base, tab }: { link?: string; tab?: string | undefined } = {},
  prepare: (engine: FakeEngine) => void = () => {},
): Promise<Made> {
  const made = fakeLab(link, prepare, disk, tab);
  open.push(made);
  const keeper = new AutomaticKeeper(made.lab);
  keeper.start();
  await boot(made.lab);
  return made;
}

/** One that trains and stands after so many steps. */
async function trained(steps: number, disk = new FakeDisk()): Promise<Made> {
  const made = await page(disk);
  await play(made.lab);
  await until(() => made.lab.run.getState().phase === 'training');
  made.engine().trained(steps, 2 + 1 / steps);
  await until(() => made.lab.recorder.series.lastStep === steps);
  return made;
}

const kept = ({ lab }: Made) => lab.stored.getState().entries ?? [];
const stepsOf = (made: Made) => kept(made).map(({ kind, step }) => `${kind} ${step}`);
const notesOf = ({ lab }: Made) =>
  lab.run.getState().notes.map(({ title, body }) => `${title}: ${body}`);

/** Time goes by in small steps, so that a save does not seem to take minutes. */
async function slowly({ clock }: Made, milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += MINUTE / 6) {
    clock.pass(MINUTE / 6);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

/** A page that trained, paused and was closed, with what it left. */
async function brokenOff(steps: number, disk = new FakeDisk()): Promise<Made> {
  const made = await trained(steps, disk);
  await pause(made.lab);
  await until(() => made.lab.run.getState().phase === 'paused');
  made.clock.pass(2000);
  await until(() => kept(made).some(({ step }) => step === steps));
  made.close();
  return made;
}

describe('a run that trains', () => {
  it('is kept every two minutes, and once where it rests', async () => {
    const made = await trained(3);
    made.clock.pass(MINUTE);
    made.engine().trained(4, 2);
    await until(() => made.lab.recorder.series.lastStep === 4);
    expect(made.engine().calls).not.toContain('save');
    made.clock.pass(1.2 * MINUTE);
    await until(() => kept(made).length === 1);
    expect(kept(made)[0]).toMatchObject({
      kind: 'automatic',
      preset: 'micro',
      step: 4,
      loss: 2,
      link: base,
      isImported: false,
      owner: 'this tab',
    });
    made.clock.pass(5 * MINUTE);
    expect(
      made.engine().calls.filter((call) => call === 'save'),
      'nothing new',
    ).toHaveLength(1);
    made.engine().trained(6, 2);
    await pause(made.lab);
    await until(() => made.lab.run.getState().phase === 'paused');
    made.clock.pass(1000);
    expect(
      made.engine().calls.filter((call) => call === 'save'),
      'may be played on',
    ).toHaveLength(1);
    made.clock.pass(1000);
    await until(() => stepsOf(made).includes('automatic 6'));
  });

  it('is kept when the page is hidden, but not before its first step, nor twice', async () => {
    const made = await page();
    const keeper = new AutomaticKeeper(made.lab);
    await play(made.lab);
    keeper.hidden();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(made.engine().calls).not.toContain('save');
    made.engine().trained(2, 2);
    await until(() => made.lab.recorder.series.lastStep === 2);
    keeper.hidden();
    await until(() => kept(made).length === 1);
    keeper.hidden();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(made.engine().calls.filter((call) => call === 'save')).toHaveLength(1);
  });

  it('says once that there is no room, and tries again when something was deleted', async () => {
    const made = await trained(3);
    await keepRun(made.lab, 'first');
    made.disk.quota = 0;
    for (const step of [4, 5]) {
      made.engine().trained(step, 2);
      await until(() => made.lab.recorder.series.lastStep === step);
      await slowly(made, 10 * MINUTE);
    }
    expect(notesOf(made)).toEqual([
      expect.stringMatching(
        /^The run is not kept automatically: It takes .* Delete a kept checkpoint/,
      ),
    ]);
    expect(made.engine().calls.filter((call) => call === 'save')).toHaveLength(2);
    made.disk.quota = 1e9;
    await remove(made.lab, kept(made)[0]!);
    await until(() => kept(made).length === 0);
    await slowly(made, 10 * MINUTE);
    await until(() => stepsOf(made).includes('automatic 5'));
  });

  it('is kept by name, renamed, and deleted', async () => {
    const made = await trained(3);
    await keepRun(made.lab, 'before');
    expect(kept(made)).toMatchObject([{ kind: 'kept', name: 'before', step: 3 }]);
    await rename(made.lab, kept(made)[0]!, 'after');
    await until(() => kept(made)[0]?.name === 'after');
    await remove(made.lab, kept(made)[0]!);
    await until(() => kept(made).length === 0);
    expect(made.disk.root.bytes).toBe(0);
  });

  it('is told in words where nothing can be kept, and can be downloaded', async () => {
    const disk = new FakeDisk();
    disk.openError = new Error('no');
    const made = await trained(3, disk);
    expect(made.lab.stored.getState().unavailable).toMatch(/keeps nothing for this page/);
    const archive = await archiveOf(made.lab, 'run');
    expect(archive?.name).toBe('micro-step-3.zip');
    expect(archive?.blob.size).toBeGreaterThan(64);
    expect(notesOf(made)).toEqual([]);
  });

  it('leaves as a folder, file by file, also from what is kept', async () => {
    const made = await trained(3);
    await keepRun(made.lab, '');
    for (const source of ['run', kept(made)[0]!] as const) {
      const written: string[] = [];
      await writeFolder(made.lab, source, async (name) => async (file, content) => {
        written.push(`${name}/${file} ${content.size > 0}`);
      });
      expect(written).toEqual(
        ['config.json', 'model.safetensors', 'trainer.json'].map(
          (file) => `micro-step-3/${file} true`,
        ),
      );
    }
  });
});

describe('a run that broke off', () => {
  it('is offered after a reload, and goes on where it stood', async () => {
    const before = await brokenOff(30);
    const made = await page(before.disk, { tab: before.tab.name });
    const { offer } = made.lab.stored.getState();
    expect(offer).toMatchObject({ step: 30, owner: 'this tab' });
    expect(made.engine().calls).toEqual([]);
    await resume(made.lab, offer!);
    const { phase, step, info } = made.lab.run.getState();
    expect([phase, step, info?.startStep]).toEqual(['paused', 30, 30]);
    expect(made.engine().calls).toEqual(['load']);
    expect(made.lab.stored.getState().offer).toBeUndefined();
    expect(made.address.pages).toEqual([base]);
    await play(made.lab);
    made.engine().trained(31, 1.5);
    await until(() => made.lab.recorder.losses.at(31) === 1.5);
    expect(made.lab.recorder.losses.at(30)).toBeUndefined();
  });

  it('is offered to whoever comes without an address, instead of a first run', async () => {
    const { disk } = await brokenOff(30);
    const made = await page(disk, { link: '' });
    expect(made.lab.stored.getState().offer).toMatchObject({ step: 30, owner: 'nobody' });
    expect(made.engine().calls).toEqual([]);
  });

  it('is not offered where a link asks for another experiment, nor while its tab is open', async () => {
    const { disk } = await brokenOff(30);
    const other = encodeLink({ preset: 'micro', changes: { run: { seed: 5 } }, timeline: [] });
    const made = await page(disk, { link: other });
    expect(made.lab.stored.getState().offer).toBeUndefined();
    expect(stepsOf(made)).toEqual(['automatic 30']);

    const living = await trained(8);
    await pause(living.lab);
    await until(() => living.lab.run.getState().phase === 'paused');
    living.clock.pass(2000);
    await until(() => kept(living).length === 1);
    const second = await page(living.disk);
    expect(kept(second)).toMatchObject([{ owner: 'another tab' }]);
    expect(second.lab.stored.getState().offer).toBeUndefined();
  });

  it('is discarded with all that its tab kept by itself', async () => {
    const disk = new FakeDisk();
    const before = await brokenOff(30, disk);
    const made = await page(disk, { tab: before.tab.name });
    await made.lab.storage.keep(new Map([['config.json', new Uint8Array(1)]]), {
      ...kept(made)[0]!,
      kind: 'automatic',
      step: 20,
    });
    await until(() => kept(made).length === 2);
    await discard(made.lab);
    await until(() => kept(made).length === 0);
    expect(made.lab.stored.getState().offer).toBeUndefined();
  });

  it('is offered after the engine broke off, and then goes on in a new one', async () => {
    const made = await trained(12);
    await pause(made.lab);
    await until(() => made.lab.run.getState().phase === 'paused');
    made.clock.pass(2000);
    await until(() => kept(made).length === 1);
    made.engine().onerror?.({ message: 'out of luck' } as ErrorEvent);
    const { offer } = made.lab.stored.getState();
    expect(offer).toMatchObject({ step: 12 });
    await resume(made.lab, offer!);
    expect(made.engines.length).toBe(2);
    expect(made.lab.run.getState()).toMatchObject({ phase: 'paused', step: 12, crash: undefined });
  });

  it('has its changes until then, and those of a link that are still to come', async () => {
    const timeline: LiveChange[] = [
      { step: 10, path: 'balance.kind', from: 'smebu', to: 'none' },
      { step: 90, path: 'balance.kind', from: 'none', to: 'sign' },
    ];
    const experiment: Experiment = { preset: 'micro', changes: {}, timeline };
    const disk = new FakeDisk();
    const first = await page(disk, { link: encodeLink(experiment) });
    await play(first.lab);
    first.engine().trained(30, 2);
    await until(() => first.lab.recorder.series.lastStep === 30);
    await keepRun(first.lab, '');
    await resume(first.lab, kept(first)[0]!);
    const { applied, now, step } = first.lab.run.getState();
    expect([applied, now.balance.kind, step]).toEqual([[timeline[0]], 'none', 30]);
    expect(first.address.pages).toEqual([encodeLink(experiment)]);
    await change(first.lab, 'balance.kind', 'smebu');
    expect(first.lab.run.getState().applied.map(({ to }) => to)).toEqual(['none', 'smebu']);
    await reset(first.lab);
    expect(first.lab.run.getState().info?.startStep).toBe(0);
  });

  it('says how far its kernels are, and stands at its step with its bytes', async () => {
    const before = await brokenOff(30);
    const made = await page(before.disk, { tab: before.tab.name });
    made.engine().compiling = { label: 'Compiling kernels', done: 3, total: 9 };
    const seen: boolean[] = [];
    made.lab.run.subscribe(({ phase, progress }) => {
      if (phase === 'paused') seen.push(progress !== undefined);
    });
    await resume(made.lab, kept(made)[0]!);
    expect(new Set(seen)).toEqual(new Set([true]));
    made.engine().tell('phase', { phase: 'paused', step: 30 });
    await until(() => made.lab.run.getState().progress === undefined);
    const { series } = made.lab.recorder;
    expect(series.latest('train.step')).toEqual({ step: 30, value: 30 });
    expect(series.latest('memory.deviceBytes')).toEqual({ step: 30, value: made.engine().bytes });
  });
});

describe('whether a checkpoint is of the experiment of an address', () => {
  const linkWith = (...steps: number[]) =>
    encodeLink({
      preset: 'micro',
      changes: {},
      timeline: steps.map((step, i) => ({
        step,
        path: 'balance.kind' as const,
        from: 'smebu',
        to: i % 2 ? 'smebu' : 'none',
      })),
    });
  const at = (step: number, link: string) => ({ step, link }) as StoredCheckpoint;

  it('is so where the address only has later changes', () => {
    expect(laterChanges(at(30, linkWith()), linkWith())).toEqual([]);
    expect(laterChanges(at(30, linkWith(5)), linkWith(5, 40))).toMatchObject([{ step: 40 }]);
    expect(laterChanges(at(30, linkWith()), linkWith(30))).toMatchObject([{ step: 30 }]);
    expect(laterChanges(at(30, linkWith(5)), linkWith())).toBeUndefined();
    expect(laterChanges(at(30, linkWith()), linkWith(29))).toBeUndefined();
    expect(laterChanges(at(30, ''), linkWith())).toBeUndefined();
    expect(laterChanges(at(30, linkWith()), 'v1.broken')).toBeUndefined();
  });
});

describe('a checkpoint that the engine refuses', () => {
  it('changes nothing: what trained goes on, and the page says why', async () => {
    const made = await trained(3);
    await keepRun(made.lab, '');
    made.engine().loadError = Object.assign(new Error('lm_head.weight is missing.'), {
      name: 'CheckpointError',
    });
    const before = made.lab.run.getState();
    let refuse = () => {};
    made.engine().checking = new Promise((resolve) => {
      refuse = resolve;
    });
    const resuming = resume(made.lab, kept(made)[0]!);
    await until(() => made.engine().calls.includes('load'));
    made.engine().trained(4, 1);
    await until(() => made.lab.recorder.losses.at(4) === 1);
    refuse();
    await resuming;
    expect(notesOf(made)).toEqual(['The run could not go on: lm_head.weight is missing.']);
    const { info, phase, step, experiment } = made.lab.run.getState();
    expect([info, phase, step, experiment]).toEqual([
      before.info,
      'training',
      before.step,
      before.experiment,
    ]);
    made.engine().trained(5, 1);
    await until(() => made.lab.recorder.losses.at(5) === 1);
    expect(made.lab.recorder.losses.at(3)).toBeDefined();
    expect(made.lab.stored.getState().work).toBeUndefined();
  });

  it('is checked alone: Play waits for it, so that the engine never makes two runs at once', async () => {
    const before = await brokenOff(30);
    const made = await page(before.disk, { tab: before.tab.name });
    let take = () => {};
    made.engine().checking = new Promise((resolve) => {
      take = resolve;
    });
    const resuming = resume(made.lab, kept(made)[0]!);
    await until(() => made.engine().calls.includes('load'));
    expect(made.lab.run.getState().phase).toBe('preparing');
    const playing = play(made.lab);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(made.engine().calls).toEqual(['load']);
    take();
    await Promise.all([resuming, playing]);
    expect(made.engine().calls).toEqual(['load', 'play']);
    expect(made.lab.run.getState().info?.startStep).toBe(30);
  });

  it('after the run before was ended, leaves a page that can start again', async () => {
    const made = await trained(3);
    await keepRun(made.lab, '');
    made.engine().lateLoadError = new Error('the device is gone');
    await resume(made.lab, kept(made)[0]!);
    expect(notesOf(made)).toEqual(['The run could not go on: the device is gone']);
    expect(made.lab.run.getState()).toMatchObject({ phase: 'empty', info: undefined });
    await play(made.lab);
    expect(made.engine().calls.slice(-2)).toEqual(['start', 'play']);
  });

  it('is not even tried where its own text is not here', async () => {
    const made = await trained(3);
    const experiment = { preset: 'micro', changes: { data: { ownTextWeight: 0.3 } }, timeline: [] };
    await resume(made.lab, { ...kept(made)[0], link: encodeLink(experiment) } as StoredCheckpoint);
    expect(notesOf(made)).toEqual([
      expect.stringMatching(/reads your own text.*Add the same text/),
    ]);
    expect(made.engine().calls).not.toContain('load');
  });
});

describe('files from outside', () => {
  const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const foreign: Experiment = { preset: 'micro', changes: { run: { seed: 8 } }, timeline: [] };
  const folder = {
    'm/config.json': text({}),
    'm/model.safetensors': new Uint8Array(9),
    'm/trainer.json': text({ step: 0, experiment: foreign }),
  };
  const archive = () => [{ path: 'm.zip', file: new Blob([zipSync(folder)]) }];

  it('are opened, paused, with an address of their own', async () => {
    const made = await trained(3);
    made.engine().isImported = true;
    await openFiles(made.lab, archive());
    expect(made.lab.run.getState()).toMatchObject({
      phase: 'paused',
      step: 0,
      experiment: foreign,
    });
    expect(made.lab.run.getState().info?.isImported).toBe(true);
    expect(made.address.pages).toEqual([base, encodeLink(foreign)]);
    expect(made.lab.recorder.losses.at(3)).toBeUndefined();
    await play(made.lab);
    made.engine().trained(2, 2);
    await until(() => made.lab.recorder.series.lastStep === 2);
    await keepRun(made.lab, '');
    expect(kept(made)).toMatchObject([{ isImported: true, step: 2 }]);
  });

  it('are refused in words, and what trained goes on', async () => {
    const made = await trained(3);
    await openFiles(made.lab, [{ path: 'm.zip', file: new Blob(['no archive']) }]);
    await openFiles(made.lab, [{ path: 'notes.txt', file: new Blob(['words']) }]);
    await openFiles(made.lab, Promise.reject(new Error('That folder cannot be read.')));
    expect(made.engine().calls).not.toContain('load');
    expect(notesOf(made)).toEqual(['The files were not opened: That folder cannot be read.']);
    made.engine().trained(4, 1);
    await until(() => made.lab.recorder.losses.at(4) === 1);
  });

  it('can be given up while they are read', async () => {
    const made = await trained(3);
    const large = { path: 'model.safetensors', file: new Blob([new Uint8Array(40 * 2 ** 20)]) };
    const opening = openFiles(made.lab, [{ path: 'config.json', file: new Blob(['{}']) }, large]);
    made.lab.stored.getState().work?.cancel?.();
    await opening;
    expect(notesOf(made)).toEqual([]);
    expect(made.engine().calls).not.toContain('load');
  });
});

it('offers nothing where another tab let it go', async () => {
  const { disk } = await brokenOff(30);
  const made = await page(disk);
  expect(made.lab.stored.getState().offer).toBeDefined();
  await made.lab.storage.remove([made.lab.stored.getState().offer!.id]);
  await until(() => made.lab.stored.getState().offer === undefined);
  offerResume(made.lab, true);
  expect(made.lab.stored.getState().offer).toBeUndefined();
});
