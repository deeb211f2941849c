/** @file Which experiment the page holds: opening, drafting, and the address bar. */
import {
  difference,
  type Experiment,
  experimentOn,
  layered,
  resolve,
} from '@/engine/config/experiment';
import type { Value } from '@/engine/config/field';
import { decodeLink, encodeLink } from '@/engine/config/link';
import { presetById } from '@/engine/config/presets';
import { complaints } from '@/engine/config/rules';
import {
  isLive,
  type SettingPath,
  type Settings,
  settingRows,
  valueAt,
  withValue,
} from '@/engine/config/settings';
import type { Plan } from '@/engine/train/commands';
import type { Lab } from './lab';
import { addNote, type Draft, type RunState } from './run';

/** Shows an experiment and its plan; nothing runs before Play. Whatever ran before is left. */
export async function openExperiment(
  lab: Lab,
  experiment: Experiment,
  address: 'replace' | 'push',
  isFromLink = false,
): Promise<void> {
  const generation = ++lab.generation;
  const wasRunning = lab.run.getState().phase === 'training';
  lab.hearing = 'none';
  lab.recorder.clear();
  lab.run.setState({
    experiment,
    isFromLink,
    now: resolve(experiment),
    phase: 'empty',
    step: 0,
    progress: undefined,
    plan: undefined,
    info: undefined,
    applied: [],
    draft: undefined,
    failure: undefined,
    recovery: undefined,
  });
  writeAddress(lab, address);
  if (wasRunning) await lab.client.pause().catch(() => {});
  const plan = await planOf(lab, experiment);
  if (generation === lab.generation) lab.run.setState({ plan });
}

/** The plan of an experiment; undefined where it cannot be planned, which is said on the page. */
export async function planOf(lab: Lab, experiment: Experiment): Promise<Plan | undefined> {
  try {
    return await lab.client.plan(experiment);
  } catch (error) {
    const { name, message } = error as Error;
    if (name !== 'CancelledError' && name !== 'WorkerCrashError') {
      addNote(lab.run, {
        place: 'settings',
        isError: true,
        title: 'This experiment has no plan',
        body: message,
      });
    }
    return undefined;
  }
}

/** The default for an adapter: the largest of our presets for graphics cards, micro without one. */
export async function defaultExperiment(lab: Lab): Promise<Experiment> {
  if (lab.run.getState().adapter?.isSoftware !== false) return experimentOn('micro');
  const small = experimentOn('small');
  const plan = await planOf(lab, small);
  return experimentOn(plan?.refusal ? (plan.refusal.fits ?? 'micro') : 'small');
}

/**
 * Opens what the address bar holds. Resolves with whether it was empty: only then may a run start by
 * itself.
 */
export async function openFromAddress(lab: Lab): Promise<boolean> {
  const text = lab.address.read();
  if (text === '') {
    await openExperiment(lab, await defaultExperiment(lab), 'replace');
    return true;
  }
  const link = decodeLink(text);
  if ('experiment' in link) {
    await openExperiment(lab, link.experiment, 'replace', true);
    return false;
  }
  addNote(lab.run, {
    place: 'page',
    isError: false,
    title: 'This link could not be read',
    body: link.error,
  });
  await openExperiment(lab, await defaultExperiment(lab), 'replace');
  return false;
}

/** Opens the experiment of a link that the page knows, before its first step. */
export async function openLink(lab: Lab, text: string): Promise<void> {
  const link = decodeLink(text);
  if ('experiment' in link) await openExperiment(lab, link.experiment, 'push', true);
}

/** Puts the experiment into the address bar. */
export function writeAddress(lab: Lab, how: 'replace' | 'push'): void {
  try {
    const text = encodeLink(lab.run.getState().experiment);
    if (text !== lab.address.read()) lab.address[how](text);
  } catch (error) {
    // More changes than a link holds: the run goes on, the address keeps the last link that could be.
    addNote(lab.run, {
      place: 'page',
      isError: false,
      title: 'The address no longer holds this run',
      body: (error as Error).message,
    });
  }
}

const links = new WeakMap<Experiment, Map<number, string>>();

/** The link to the run up to the end of `step`, as an address of this page; packed once, for every chart asks for it. */
export function linkUpTo(experiment: Experiment, step: number): string {
  const known = links.get(experiment) ?? new Map<number, string>();
  links.set(experiment, known);
  const link = known.get(step) ?? packUpTo(experiment, step);
  known.set(step, link);
  return link;
}

const packUpTo = (experiment: Experiment, step: number): string =>
  `#${encodeLink({ ...experiment, timeline: experiment.timeline.filter((c) => c.step <= step) })}`;

/** Paths whose drafted value is not the running one. */
export function draftedPaths({ draft, now }: Pick<RunState, 'draft' | 'now'>): SettingPath[] {
  if (!draft) return [];
  return settingRows
    .map(([path]) => path)
    .filter((path) => valueAt(draft.values, path) !== valueAt(now, path));
}

/** A setting that starts a new run gets a value in the draft. */
export async function draftValue(lab: Lab, path: SettingPath, value: Value): Promise<void> {
  const { draft, experiment, now } = lab.run.getState();
  const values = withValue(draft?.values ?? now, path, value);
  await setDraft(lab, draft?.preset ?? experiment.preset, values);
}

/** Another preset, whole, as a draft. */
export async function draftPreset(lab: Lab, id: string): Promise<void> {
  const preset = presetById(id);
  if (preset) await setDraft(lab, id, layered(preset, {}));
}

export function discardDraft(lab: Lab): void {
  lab.run.setState({ draft: undefined });
}

async function setDraft(lab: Lab, preset: string, values: Settings): Promise<void> {
  const { experiment, now, plan: currentPlan } = lab.run.getState();
  const draft: Draft = { preset, values, plan: undefined };
  const isSame = preset === experiment.preset && draftedPaths({ draft, now }).length === 0;
  lab.run.setState({ draft: isSame ? undefined : draft });
  if (isSame || complaints(values).length > 0) return;
  const drafted = experimentOfDraft(draft);
  const plan = drafted ? await planOf(lab, drafted) : currentPlan;
  const current = lab.run.getState().draft;
  if (current && isSameRun(current, draft)) lab.run.setState({ draft: { ...current, plan } });
}

/** Whether two drafts differ in live rows at most: they have one plan. */
const isSameRun = (a: Draft, b: Draft): boolean =>
  a.preset === b.preset &&
  settingRows.every(
    ([path]) => isLive(path) || valueAt(a.values, path) === valueAt(b.values, path),
  );

/** The experiment that a draft would start; undefined on an unknown preset. */
export function experimentOfDraft({ preset: id, values }: Draft): Experiment | undefined {
  const preset = presetById(id);
  return preset && { preset: id, changes: difference(preset, values), timeline: [] };
}
