/** @file What the run bar does: prepare, play, pause, step, reset, go back, do again, change. */
import { checkLiveChange, difference, resolve } from '@/engine/config/experiment';
import type { Value } from '@/engine/config/field';
import { presetById } from '@/engine/config/presets';
import { type SettingPath, valueAt, withValue } from '@/engine/config/settings';
import type { RunInfo } from '@/engine/train/commands';
import { takeChange } from './events';
import { experimentOfDraft, openExperiment, writeAddress } from './experiments';
import type { Lab } from './lab';
import { Reproduction } from './losses';
import { addNote, type Draft, isTextMissing } from './run';
import { shownMixtureLayer } from './view';
import { sendWatch } from './watch';

/** Records and compiles the experiment of the page. Resolves with whether it stands ready. */
async function prepare(lab: Lab): Promise<boolean> {
  // The engine makes one run at a time, also out of a checkpoint.
  await lab.preparing;
  const { info, plan } = lab.run.getState();
  if (info) return true;
  if (plan?.refusal || isTextMissing(lab.run.getState())) return false;
  lab.preparing = start(lab);
  return await lab.preparing;
}

async function start(lab: Lab): Promise<boolean> {
  const { experiment } = lab.run.getState();
  const generation = lab.generation;
  lab.hearing = 'fromPreparing';
  lab.run.setState({ phase: 'preparing', failure: undefined });
  try {
    const started = await lab.client.start(experiment);
    if (generation !== lab.generation) return false;
    lab.hearing = 'all';
    enter(lab, started);
    return true;
  } catch (error) {
    if (generation === lab.generation) refuseStart(lab, error as Error);
    return false;
  }
}

/** A run stands before its first step, or where its checkpoint stood. How far its kernels are, phases tell. */
function enter(lab: Lab, info: RunInfo): void {
  const { layer, head, sequence } = lab.view.getState();
  const { model, data } = resolve(info.experiment);
  const { startStep } = info;
  const applied = info.experiment.timeline.filter(({ step }) => step < startStep);
  lab.recorder.shape({ layerCount: info.mixtureLayers.length, expertCount: info.expertCount });
  lab.run.setState({
    info,
    plan: info.plan,
    phase: 'paused',
    step: startStep,
    applied,
    now: applied.reduce(
      (values, change) => withValue(values, change.path, change.to),
      resolve(lab.run.getState().experiment),
    ),
    failure: undefined,
    recovery: undefined,
  });
  lab.recorder.series.moveTo(startStep);
  lab.view.setState({
    layer:
      layer > 0 && layer < model.layerCount ? layer : shownMixtureLayer(layer, info.mixtureLayers),
    head: Math.min(head, model.headCount - 1),
    sequence: Math.min(sequence, data.batchSequences - 1),
    pins: lab.view.getState().pins.map((pin) => ((pin ?? 0) < info.expertCount ? pin : undefined)),
  });
  sendWatch(lab);
}

/** A run stands in the place of another one, whose numbers go; how many bytes the new one takes was told already. */
export function enterAnew(lab: Lab, info: RunInfo): void {
  const bytes = lab.recorder.series.latest('memory.deviceBytes')?.value;
  lab.recorder.clear();
  lab.run.setState({ experiment: info.experiment });
  enter(lab, info);
  if (bytes === undefined) return;
  lab.recorder.series.record(info.startStep, { 'memory.deviceBytes': bytes });
}

function refuseStart(lab: Lab, { name, message }: Error): void {
  lab.hearing = 'none';
  lab.run.setState({ phase: 'empty', progress: undefined });
  if (name === 'CancelledError' || name === 'WorkerCrashError') return;
  addNote(lab.run, {
    place: 'page',
    isError: true,
    title: 'The run could not be started',
    body: message,
  });
}

/** The engine refuses before it ends a run; a device that fails later leaves none. */
export function stayBefore(lab: Lab, heardBefore: Lab['hearing']): void {
  lab.hearing = heardBefore;
  if (lab.run.getState().phase !== 'preparing') return;
  lab.hearing = 'none';
  lab.run.setState({ phase: 'empty', info: undefined, progress: undefined, step: 0 });
}

export async function play(lab: Lab): Promise<void> {
  if (await prepare(lab)) await lab.client.play().catch((error) => report(lab, error));
}

export async function pause(lab: Lab): Promise<void> {
  await lab.client.pause().catch((error) => report(lab, error));
}

/** One step, from a pause. */
export async function step(lab: Lab): Promise<void> {
  if (await prepare(lab)) await lab.client.step().catch((error) => report(lab, error));
}

/** Back to step 0 of the same experiment, paused. */
export async function reset(lab: Lab): Promise<void> {
  await lab.preparing;
  lab.hearing = 'fromPreparing';
  try {
    const info = await lab.client.reset();
    lab.hearing = 'all';
    enterAnew(lab, info);
    writeAddress(lab, 'replace');
  } catch (error) {
    stayBefore(lab, 'all');
    report(lab, error as Error);
  }
}

/** Back to the last copy in memory, paused; changes made after it are taken back. */
export async function rewind(lab: Lab): Promise<void> {
  lab.hearing = 'none';
  try {
    const to = await lab.client.rewind();
    const { experiment, applied } = lab.run.getState();
    const kept = applied.filter((change) => change.step < to);
    const timeline = experiment.timeline.filter((change) => change.step < to);
    const start = resolve(experiment);
    lab.recorder.truncateAfter(to);
    lab.run.setState({
      experiment: { ...experiment, timeline },
      applied: kept,
      now: kept.reduce((values, change) => withValue(values, change.path, change.to), start),
      phase: 'paused',
      step: to,
      failure: undefined,
    });
    writeAddress(lab, 'replace');
  } catch (error) {
    report(lab, error as Error);
  } finally {
    lab.hearing = 'all';
  }
}

/** The draft becomes the experiment and starts. */
export async function newRun(lab: Lab): Promise<void> {
  const { draft } = lab.run.getState();
  const experiment = draft && experimentOfDraft(draft);
  if (!experiment) return;
  await openExperiment(lab, experiment, 'push');
  await play(lab);
}

/** Another preset as it is; it waits for Play. */
export async function openPreset(lab: Lab, id: string): Promise<void> {
  await openExperiment(lab, { preset: id, changes: {}, timeline: [] }, 'push');
}

/** Does the run again from step 0 with its changes, and compares every loss with the first time. */
export async function reproduce(lab: Lab): Promise<void> {
  const { experiment } = lab.run.getState();
  const recorded = lab.recorder.losses;
  await openExperiment(lab, experiment, 'replace');
  lab.recorder.reproduction = new Reproduction(recorded);
  await play(lab);
}

/**
 * A live setting gets a new value: from the next step on in a prepared run, from step 0 before it is
 * prepared.
 */
export async function change(lab: Lab, path: SettingPath, value: Value): Promise<void> {
  // A change while it is being prepared is one of the prepared run.
  if (lab.run.getState().phase === 'preparing') await lab.preparing;
  const { info, now, step: at } = lab.run.getState();
  const before = valueAt(now, path);
  if (before === value) return;
  if (!info) return changeFromStart(lab, path, value);
  try {
    checkLiveChange({ step: at, path, to: value });
    lab.run.setState({ now: withValue(now, path, value), draft: draftWith(lab, path, value) });
    takeChange(lab, await lab.client.change(path, value));
  } catch (error) {
    lab.run.setState((state) => ({
      now: withValue(state.now, path, before),
      draft: draftWith(lab, path, before),
    }));
    report(lab, error as Error);
  }
}

/** The draft follows a live change where it stands on the running value: its run starts with it too. */
function draftWith(lab: Lab, path: SettingPath, value: Value): Draft | undefined {
  const { draft, experiment, now } = lab.run.getState();
  if (!draft || draft.preset !== experiment.preset) return draft;
  if (valueAt(draft.values, path) !== valueAt(now, path)) return draft;
  return { ...draft, values: withValue(draft.values, path, value) };
}

function changeFromStart(lab: Lab, path: SettingPath, value: Value): void {
  const { experiment, now } = lab.run.getState();
  const preset = presetById(experiment.preset);
  if (!preset) return;
  const changed = withValue(now, path, value);
  lab.run.setState({
    now: changed,
    draft: draftWith(lab, path, value),
    experiment: { ...experiment, changes: difference(preset, changed) },
  });
  writeAddress(lab, 'replace');
}

/** A call that failed, in words on the page; a worker that broke off has its own message. */
export function report(lab: Lab, { name, message }: Error): void {
  if (name === 'CancelledError' || name === 'WorkerCrashError') return;
  addNote(lab.run, { place: 'page', isError: true, title: 'That did not work', body: message });
}
