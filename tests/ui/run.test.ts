/** @file The page's state from the first visit to a crash, against an engine behind a real line. */
import { describe, expect, it } from 'vitest';
import { type Experiment, experimentOn } from '@/engine/config/experiment';
import { decodeLink, encodeLink } from '@/engine/config/link';
import { boot, startAgain } from '@/ui/state/boot';
import { complaintAbout, isStartable } from '@/ui/state/draft';
import { discardDraft, draftPreset, draftValue } from '@/ui/state/experiments';
import { addText } from '@/ui/state/ownText';
import { isTextMissing } from '@/ui/state/run';
import { markStart } from '@/ui/state/startMarks';
import { change, newRun, play, reproduce, reset, rewind } from '@/ui/state/transport';
import { fakeLab, until } from './support/fakeEngine';

const linked: Experiment = {
  preset: 'micro',
  changes: { run: { seed: 5 } },
  timeline: [{ step: 3, path: 'balance.kind', from: 'smebu', to: 'none' }],
};

/** A lab on its first visit, training. */
async function training() {
  const made = fakeLab();
  await boot(made.lab);
  await until(() => made.lab.run.getState().phase === 'training');
  return made;
}

describe('opening the page', () => {
  it('starts by itself on a first visit, micro on a software adapter, and says so in the address', async () => {
    const { lab, address, engine } = await training();
    expect(lab.run.getState().experiment).toEqual(experimentOn('micro'));
    expect(engine().calls).toEqual(['start', 'play']);
    expect(address.read()).toBe(encodeLink(experimentOn('micro')));
    // No preset is planned before the first loss: that would keep the engine's worker from it.
    expect(lab.run.getState().presetPlans).toEqual({});
    engine().tell('metrics', { step: 1, values: { 'train.loss': 5 } });
    await until(() => 'trinity-nano' in lab.run.getState().presetPlans);
  });

  it('marks what the way to the first loss is made of, each once', async () => {
    const { lab, engine } = fakeLab();
    const marks: string[] = [];
    markStart(lab, (name) => marks.push(name));
    await boot(lab);
    await until(() => marks.length === 3);
    expect(marks).toEqual(['adapter', 'plan', 'ready']);
    for (const step of [1, 2]) engine().tell('metrics', { step, values: { 'train.loss': 5 } });
    await until(() => marks.length > 3);
    expect(marks.slice(3)).toEqual(['first loss']);
  });

  it('draws what nobody sees only behind the first loss', async () => {
    const { lab, engine } = await training();
    expect(lab.view.getState().isSettled).toBe(false);
    engine().tell('metrics', { step: 1, values: { 'train.loss': 5 } });
    await until(() => lab.view.getState().isSettled);
  });

  it('plans the presets and draws the rest also where the first loss takes long', async () => {
    const { lab, clock } = await training();
    clock.pass(14_999);
    expect(lab.run.getState().presetPlans).toEqual({});
    expect(lab.view.getState().isSettled).toBe(false);
    clock.pass(1);
    await until(() => 'micro' in lab.run.getState().presetPlans);
    await until(() => lab.view.getState().isSettled);
  });

  it('starts small on a graphics card, and what fits where small does not', async () => {
    const card = fakeLab('', (engine) => {
      engine.isSoftware = false;
    });
    await boot(card.lab);
    expect(card.lab.run.getState().experiment.preset).toBe('small');
    const narrow = fakeLab('', (engine) => {
      engine.isSoftware = false;
      engine.bytesPerPreset = { small: 2 ** 40 };
    });
    await boot(narrow.lab);
    expect(narrow.lab.run.getState().experiment.preset).toBe('micro');
  });

  it('waits with a link, with its plan, and plays what it says', async () => {
    const { lab, address, engine } = fakeLab(encodeLink(linked));
    await boot(lab);
    const state = lab.run.getState();
    await until(() => lab.view.getState().isSettled);
    expect(state.isFromLink).toBe(true);
    expect(state.experiment).toEqual(linked);
    expect(state.plan?.bytes.total).toBe(1000);
    expect(state.phase).toBe('empty');
    expect(engine().calls).toEqual([]);
    expect(address.read()).toBe(encodeLink(linked));
    await play(lab);
    expect(engine().calls).toEqual(['start', 'play']);
  });

  it('says what is wrong with a bad link and waits with the default experiment', async () => {
    const { lab, address, engine } = fakeLab('v1.nonsense!');
    await boot(lab);
    const { notes, experiment } = lab.run.getState();
    expect(notes[0]?.title).toBe('This link could not be read');
    expect(experiment).toEqual(experimentOn('micro'));
    expect(engine().calls).toEqual([]);
    expect(address.read()).toBe(encodeLink(experimentOn('micro')));
  });

  it('shows a fault instead of the lab where there is no adapter', async () => {
    const { lab } = fakeLab('', (engine) => {
      engine.openError = Object.assign(new Error('too small'), {
        name: 'LimitError',
        limit: 'maxBufferSize',
        need: 10,
        have: 5,
      });
    });
    await boot(lab);
    expect(lab.run.getState().fault).toMatchObject({ name: 'LimitError', need: 10, have: 5 });
  });

  it('does not start what the adapter cannot hold', async () => {
    const { lab, engine } = fakeLab(encodeLink(experimentOn('medium')), (made) => {
      made.bytesPerPreset = { medium: 2 ** 40 };
    });
    await boot(lab);
    await play(lab);
    expect(lab.run.getState().plan?.refusal?.fits).toBe('micro');
    expect(engine().calls).toEqual([]);
  });
});

describe('a running run', () => {
  it('takes a live change into settings, timeline and address, once', async () => {
    const { lab, address, engine } = await training();
    engine().trained(12, 2);
    await change(lab, 'balance.kind', 'none');
    await until(() => lab.run.getState().applied.length === 1);
    const { experiment, now } = lab.run.getState();
    const made = { step: 12, path: 'balance.kind', from: 'smebu', to: 'none' };
    expect(experiment.timeline).toEqual([made]);
    expect(now.balance.kind).toBe('none');
    expect(decodeLink(address.read())).toEqual({ experiment });
  });

  it('takes a live change before the start into step 0', async () => {
    const { lab, address, engine } = fakeLab(encodeLink(linked));
    await boot(lab);
    await change(lab, 'optimizer.gradientClip', 2);
    expect(engine().calls).toEqual([]);
    const { experiment } = lab.run.getState();
    expect(experiment.changes).toEqual({ run: { seed: 5 }, optimizer: { gradientClip: 2 } });
    expect(decodeLink(address.read())).toEqual({ experiment });
  });

  it('refuses a live change out of range and keeps what was', async () => {
    const { lab } = await training();
    await change(lab, 'optimizer.muonMomentum', 3);
    expect(lab.run.getState().now.optimizer.muonMomentum).toBe(0.95);
    expect(lab.run.getState().notes[0]?.body).toMatch(/want 0 to 0.9999/);
  });

  it('drops what an older run still tells', async () => {
    const { lab, engine } = await training();
    engine().trained(7, 2);
    await until(() => lab.recorder.series.lastStep === 7);
    await draftValue(lab, 'run.seed', 9);
    let open = () => {};
    engine().gate = new Promise((resolve) => {
      open = resolve;
    });
    engine().trained(8, 2);
    const started = newRun(lab);
    engine().trained(9, 2);
    await until(() => engine().calls.filter((call) => call === 'start').length === 2);
    expect(lab.recorder.series.latest('train.loss')).toBeUndefined();
    open();
    await started;
    expect(lab.run.getState().experiment.changes).toEqual({ run: { seed: 9 } });
  });

  it('goes back to step 0 with the same experiment', async () => {
    const { lab, engine } = await training();
    engine().trained(7, 2);
    await until(() => lab.recorder.series.lastStep === 7);
    await reset(lab);
    expect(lab.run.getState()).toMatchObject({ phase: 'paused', step: 0 });
    expect(lab.recorder.series.latest('train.loss')).toBeUndefined();
    expect(lab.recorder.series.latest('train.step')).toEqual({ step: 0, value: 0 });
    expect(lab.recorder.series.latest('memory.deviceBytes')?.value).toBe(engine().bytes);
  });

  it('that cannot be reset is over, and a page is left that can start again', async () => {
    const { lab, engine } = await training();
    engine().lateResetError = new Error('the device is gone');
    await reset(lab);
    expect(lab.run.getState()).toMatchObject({ phase: 'empty', info: undefined, step: 0 });
    expect(lab.run.getState().notes.at(-1)?.body).toBe('the device is gone');
    await play(lab);
    expect(engine().calls.slice(-2)).toEqual(['start', 'play']);
  });

  it('that was reset says how far its kernels are until they are all there', async () => {
    const { lab, engine } = await training();
    engine().compiling = { label: 'Compiling kernels', done: 3, total: 9 };
    await reset(lab);
    expect(lab.run.getState()).toMatchObject({ phase: 'paused', progress: { done: 3 } });
    engine().tell('phase', { phase: 'paused', step: 0 });
    await until(() => lab.run.getState().progress === undefined);
  });

  it('stops on a failure and goes back to its copy without the change that came after', async () => {
    const { lab, address, engine } = await training();
    for (let step = 1; step <= 12; step++) engine().trained(step, 2);
    await change(lab, 'optimizer.muonLearningRate', 0.5);
    engine().tell('failed', {
      name: 'NotFiniteError',
      message: 'not finite',
      step: 13,
      tensor: 'layers.0.mlp',
      checkpointStep: 10,
    });
    await until(() => lab.run.getState().phase === 'stopped');
    await rewind(lab);
    const state = lab.run.getState();
    expect(state).toMatchObject({ phase: 'paused', step: 10, failure: undefined, applied: [] });
    expect(state.now.optimizer.muonLearningRate).toBe(0.02);
    expect(lab.recorder.series.lastStep).toBe(10);
    expect(address.read()).toBe(encodeLink(experimentOn('micro')));
  });

  it('takes back the steps that a lost device does again', async () => {
    const { lab, engine } = await training();
    for (let step = 1; step <= 20; step++) engine().trained(step, step);
    engine().tell('recovered', { lostAt: 20, resumedAt: 16, reason: 'unknown' });
    await until(() => lab.run.getState().recovery !== undefined);
    expect(lab.recorder.series.latest('train.loss')).toEqual({ step: 16, value: 16 });
  });

  it('says whether a repeated run has the same bits', async () => {
    const { lab, engine } = await training();
    for (let step = 1; step <= 5; step++) engine().trained(step, 1 / step);
    await until(() => lab.recorder.series.lastStep === 5);
    await reproduce(lab);
    for (let step = 1; step <= 5; step++) engine().trained(step, step === 4 ? 0.3 : 1 / step);
    await until(() => lab.recorder.reproduction?.isComplete === true);
    expect(lab.recorder.reproduction?.comparedCount).toBe(5);
    expect(lab.recorder.reproduction?.difference).toEqual({
      step: 4,
      recorded: 0.25,
      repeated: 0.3,
    });
  });
});

describe('drafts', () => {
  it('wait for New run, which goes into the history', async () => {
    const { lab, address } = await training();
    await draftValue(lab, 'model.expertCount', 32);
    expect(lab.run.getState().now.model.expertCount).toBe(16);
    expect(lab.run.getState().draft?.plan?.bytes.total).toBe(1000);
    expect(address.pages).toHaveLength(1);
    await newRun(lab);
    expect(address.pages).toHaveLength(2);
    expect(lab.run.getState()).toMatchObject({ draft: undefined, isFromLink: false });
    expect(lab.run.getState().now.model.expertCount).toBe(32);
  });

  it('are gone when the value comes back, or when they are discarded', async () => {
    const { lab } = await training();
    await draftValue(lab, 'model.width', 128);
    await draftValue(lab, 'model.width', 64);
    expect(lab.run.getState().draft).toBeUndefined();
    await draftPreset(lab, 'small');
    expect(lab.run.getState().draft?.preset).toBe('small');
    discardDraft(lab);
    expect(lab.run.getState().draft).toBeUndefined();
  });

  it('say what cannot be at both of the rows, by their labels', async () => {
    const { lab } = await training();
    await draftValue(lab, 'model.kvHeadCount', 3);
    const state = lab.run.getState();
    expect(complaintAbout(state, 'model.kvHeadCount')).toBe('3 does not divide Query heads (4)');
    expect(complaintAbout(state, 'model.headCount')).toBe(
      'Key-value heads: 3 does not divide Query heads (4)',
    );
    expect(complaintAbout(state, 'model.width')).toBeUndefined();
    expect(isStartable(state)).toBe(false);
    await draftValue(lab, 'model.kvHeadCount', 1);
    expect(complaintAbout(lab.run.getState(), 'model.headCount')).toBeUndefined();
    expect(isStartable(lab.run.getState())).toBe(true);
  });

  it('cannot start without a text that a later phase reads', async () => {
    const { lab } = await training();
    await draftValue(lab, 'phase2.ownTextWeight', 1);
    expect(isStartable(lab.run.getState())).toBe(true);
    await draftValue(lab, 'phase2.startsAt', 50);
    expect(isStartable(lab.run.getState())).toBe(false);
    await addText(lab, 'mine.txt', new Blob(['some words']));
    expect(isStartable(lab.run.getState())).toBe(true);
  });

  it('follow a live change that is made while they wait, and keep their plan', async () => {
    const { lab, engine } = await training();
    engine().trained(4, 2);
    await draftValue(lab, 'model.denseLayerCount', 2);
    const planning = draftValue(lab, 'run.seed', 8);
    await change(lab, 'loss.zWeight', 0);
    await planning;
    expect(lab.run.getState().draft?.plan?.bytes.total).toBe(1000);
    await newRun(lab);
    expect(lab.run.getState().experiment.changes).toEqual({
      model: { denseLayerCount: 2 },
      loss: { zWeight: 0 },
      run: { seed: 8 },
    });
  });

  it('on another preset keep its values whatever changes meanwhile', async () => {
    const { lab } = await training();
    await draftPreset(lab, 'stability-before');
    await change(lab, 'balance.kind', 'none');
    await change(lab, 'optimizer.gradientClip', 2);
    expect(lab.run.getState().draft?.values.balance.kind).toBe('sign');
    // Also where both stood on one value: the preset is taken whole.
    expect(lab.run.getState().draft?.values.optimizer.gradientClip).toBe(1);
  });

  it('keep live changes of the running run', async () => {
    const { lab } = await training();
    await change(lab, 'balance.kind', 'sign');
    await draftValue(lab, 'run.seed', 8);
    await newRun(lab);
    expect(lab.run.getState().experiment).toEqual({
      preset: 'micro',
      changes: { balance: { kind: 'sign' }, run: { seed: 8 } },
      timeline: [],
    });
  });
});

describe('the address', () => {
  it('leads back to the experiment before, which then waits', async () => {
    const { lab, address } = await training();
    await draftValue(lab, 'run.seed', 8);
    await newRun(lab);
    address.back();
    await until(
      () => lab.run.getState().plan !== undefined && lab.run.getState().info === undefined,
    );
    expect(lab.run.getState()).toMatchObject({
      experiment: experimentOn('micro'),
      isFromLink: true,
      phase: 'empty',
    });
  });

  it('opens a link that is typed into it', async () => {
    const { lab, address } = await training();
    address.type(encodeLink(linked));
    await until(() => lab.run.getState().experiment.timeline.length === 1);
    expect(lab.run.getState().now.run.seed).toBe(5);
  });
});

describe('the visitor’s own text', () => {
  const withText: Experiment = {
    preset: 'micro',
    changes: { data: { ownTextWeight: 0.5 } },
    timeline: [],
  };

  it('is asked for by a link that needs one, and then it plays', async () => {
    const { lab, engine } = fakeLab(encodeLink(withText));
    await boot(lab);
    expect(isTextMissing(lab.run.getState())).toBe(true);
    await play(lab);
    expect(engine().calls).toEqual([]);
    await addText(lab, 'mine.txt', new Blob(['some words']));
    await play(lab);
    expect(engine().calls).toEqual(['start', 'play']);
  });

  it('is refused with the engine’s reason, in its own place', async () => {
    const { lab } = fakeLab('', (engine) => {
      engine.textError = Object.assign(new Error('It is empty.'), { name: 'TextError' });
    });
    await boot(lab);
    expect(await addText(lab, 'a.txt', new Blob([]))).toBe(false);
    expect(lab.run.getState().notes.at(-1)).toMatchObject({
      place: 'data',
      title: 'a.txt was not added',
      body: 'It is empty.',
    });
  });

  it('is not even read when it is too large', async () => {
    const { lab } = await training();
    const huge = { size: 3e9, arrayBuffer: () => Promise.reject(new Error('was read')) };
    expect(await addText(lab, 'huge.txt', huge as unknown as Blob)).toBe(false);
    expect(lab.run.getState().notes.at(-1)?.body).toMatch(/up to 100 MB/);
  });

  it('goes to a new worker after a crash', async () => {
    const { lab, engines } = await training();
    await addText(lab, 'mine.txt', new Blob(['some words']));
    engines[0]!.onerror?.({ message: 'broke' } as ErrorEvent);
    expect(lab.run.getState()).toMatchObject({ crash: 'broke', phase: 'stopped' });
    await startAgain(lab);
    expect(engines).toHaveLength(2);
    expect(lab.run.getState()).toMatchObject({ crash: undefined, phase: 'empty' });
    expect(lab.run.getState().ownText).toEqual({ name: 'mine.txt', bytes: 10 });
  });
});

describe('a worker', () => {
  it('that cannot be loaded is a fault', async () => {
    const { lab, engine } = fakeLab('', (made) => {
      setTimeout(() => made.onerror?.({ message: '' } as ErrorEvent), 0);
    });
    await boot(lab);
    expect(engine).toBeDefined();
    expect(lab.run.getState().fault).toMatchObject({ name: 'WorkerCrashError' });
  });

  it('is ended by Cancel while it prepares; the experiment waits', async () => {
    const { lab, engines, engine } = fakeLab(encodeLink(linked), (made) => {
      made.gate = new Promise(() => {});
    });
    await boot(lab);
    const playing = play(lab);
    await until(() => lab.run.getState().phase === 'preparing' && engine().calls.length === 1);
    await startAgain(lab);
    await playing;
    expect(engines.map(({ isTerminated }) => isTerminated)).toEqual([true, false]);
    expect(lab.run.getState()).toMatchObject({ phase: 'empty', experiment: linked, notes: [] });
  });
});
