/** @file The first seconds of a page, a new worker after a crash, and walking through the history. */
import { experimentOn } from '@/engine/config/experiment';
import { encodeLink } from '@/engine/config/link';
import { presets } from '@/engine/config/presets';
import { listen } from './events';
import { openExperiment, openFromAddress, planOf } from './experiments';
import type { Lab } from './lab';
import { offerResume } from './offers';
import { giveText } from './ownText';
import type { Fault } from './run';
import { openStorage } from './stored';
import { play } from './transport';
import { sendWatch } from './watch';

const STORAGE_MS = 1500;
/** Longest wait for a first loss before the sizes of presets are worked out beside it, and the rest of the page is drawn. */
const FIRST_LOSS_MS = 15_000;

/** Opens the adapter and what the address holds; without an address, a run starts by itself. */
export async function boot(lab: Lab): Promise<void> {
  lab.view.subscribe(() => sendWatch(lab));
  lab.address.onChange(() => void openAgain(lab));
  const storage = openStorage(lab);
  if (!(await openEngine(lab))) return;
  const isAddressless = await openFromAddress(lab);
  await Promise.race([storage, patience(lab)]);
  offerResume(lab, isAddressless);
  // A run that broke off comes before a new one; without one, this is a first visit.
  const start = isAddressless && !lab.stored.getState().offer ? play(lab) : undefined;
  void settle(lab, start);
  await start;
  void planPresets(lab);
}

/** A slow disk must not keep a first visit waiting. */
const patience = (lab: Lab) =>
  new Promise<void>((resolve) => lab.clock.after(STORAGE_MS, () => resolve()));

/** A new worker and its adapter. Where there is none, the page says so instead of the lab. */
async function openEngine(lab: Lab): Promise<boolean> {
  const client = lab.connect((words) => onCrash(lab, words));
  listen(lab, client);
  try {
    lab.run.setState({ adapter: await client.open(), fault: undefined, crash: undefined });
    return true;
  } catch (error) {
    lab.run.setState({ fault: faultOf(error as Error) });
    return false;
  }
}

/** After a crash or a cancelled preparation: the same experiment, before its first step. */
export async function startAgain(lab: Lab): Promise<void> {
  const { experiment, isFromLink } = lab.run.getState();
  lab.generation++;
  lab.hearing = 'none';
  if (!(await openEngine(lab))) return;
  await giveText(lab);
  await openExperiment(lab, experiment, 'replace', isFromLink);
}

/** Back, forward, or a typed hash. */
async function openAgain(lab: Lab): Promise<void> {
  const { adapter, experiment } = lab.run.getState();
  if (!adapter || lab.address.read() === encodeLink(experiment)) return;
  if (await openFromAddress(lab)) await play(lab);
}

/** What nobody sees is drawn behind the first loss, or at once where no run starts by itself. */
async function settle(lab: Lab, start: Promise<void> | undefined): Promise<void> {
  const patience = new Promise<void>((resolve) => lab.clock.after(FIRST_LOSS_MS, resolve));
  await Promise.race([start?.then(() => noStart(lab)), patience]);
  lab.view.setState({ isSettled: true });
}

/** The exact sizes of every preset, one after the other, while the run goes on: but a run that starts goes first. */
async function planPresets(lab: Lab): Promise<void> {
  for (const { id } of presets) {
    await noStart(lab);
    const plan = await planOf(lab, experimentOn(id));
    if (!plan) continue;
    lab.run.setState(({ presetPlans }) => ({ presetPlans: { ...presetPlans, [id]: plan } }));
  }
}

/** Waits while a run is on its way to its first loss, but not for ever: a large plan keeps the worker for a second. */
function noStart({ run, recorder, clock }: Lab): Promise<void> {
  const isStarting = () => {
    const { phase } = run.getState();
    return phase === 'preparing' || (phase === 'training' && !recorder.series.latest('train.loss'));
  };
  return new Promise((resolve) => {
    const end = () => {
      for (const stop of stops) stop();
      resolve();
    };
    const check = () => {
      if (!isStarting()) end();
    };
    const stops = [run.subscribe(check), recorder.signal.subscribe(check)];
    clock.after(FIRST_LOSS_MS, end);
    check();
  });
}

function onCrash(lab: Lab, words: string): void {
  lab.hearing = 'none';
  lab.generation++;
  const { adapter } = lab.run.getState();
  if (!adapter) {
    lab.run.setState({ fault: { name: 'WorkerCrashError', message: words } });
    return;
  }
  lab.run.setState({ crash: words, phase: 'stopped', progress: undefined });
  offerResume(lab, false);
}

/** The error as data; the fields are those that the class `LimitError` adds. */
function faultOf(error: Error): Fault {
  const fields = error as Error & { limit?: string; need?: number; have?: number };
  return {
    name: error.name,
    message: error.message,
    limit: fields.limit,
    need: fields.need,
    have: fields.have,
  };
}
