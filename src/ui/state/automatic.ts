/**
 * @file Keeps the run by itself: every couple of minutes of training, and where it rests or the page is hidden,
 * so that a reload or a crash costs little.
 */
import type { Lab } from './lab';
import { addNote, type RunState } from './run';
import { savedRun } from './saving';

const EVERY_MS = 120_000;
/** How often it is looked whether one is due. */
const LOOK_MS = 10_000;
/** A pause that lasts; whoever presses Step again and again does not save each time. */
const REST_MS = 1500;
/** Saving takes at most one part of so many of the time, however large the run. */
const COST_SHARE = 20;
/** And at most so much is written on an average, since disks wear: half a gigabyte every eight minutes. */
const BYTES_PER_MS = 2 ** 20 / 1000;

export class AutomaticKeeper {
  readonly #lab: Lab;
  /** What was kept last, by this tab's run. */
  #kept: { readonly info: RunState['info']; readonly step: number } | undefined;
  #notBefore = 0;
  /** From then on one more is within its share of the time and of the disk. */
  #affordableAt = 0;
  #isSaving = false;
  /** The shelf was full; only a change of what it holds is a reason to try again. */
  #fullWith: unknown;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  start(): void {
    this.#lab.run.subscribe((state, before) => {
      if (state.info !== before.info) this.#notBefore = this.#lab.clock.now() + EVERY_MS;
      const hasPaused = state.phase === 'paused' && before.phase === 'training';
      if (hasPaused || state.step !== before.step) this.#whenAtRest();
    });
    this.#look();
  }

  /** The page is hidden, and may be closed without another word. */
  hidden(): void {
    if (this.#lab.clock.now() >= this.#affordableAt) void this.#keep();
  }

  #look(): void {
    this.#lab.clock.after(LOOK_MS, () => {
      const isDue = this.#lab.clock.now() >= this.#notBefore;
      if (isDue && this.#lab.run.getState().phase === 'training') void this.#keep();
      this.#look();
    });
  }

  #whenAtRest(): void {
    const { info, step } = this.#lab.run.getState();
    const wait = Math.max(REST_MS, this.#affordableAt - this.#lab.clock.now());
    this.#lab.clock.after(wait, () => {
      const now = this.#lab.run.getState();
      if (now.phase === 'paused' && now.info === info && now.step === step) void this.#keep();
    });
  }

  #isWorthIt(): boolean {
    const { info, phase, step } = this.#lab.run.getState();
    const { entries, unavailable } = this.#lab.stored.getState();
    if (!info || !entries || unavailable || this.#isSaving) return false;
    if (phase !== 'training' && phase !== 'paused') return false;
    const reached = Math.max(step, this.#lab.recorder.series.lastStep);
    const isNew = this.#kept?.info !== info || this.#kept.step !== reached;
    return reached > info.startStep && isNew && this.#fullWith !== entries;
  }

  async #keep(): Promise<void> {
    if (!this.#isWorthIt()) return;
    const { clock, storage } = this.#lab;
    this.#isSaving = true;
    const start = clock.now();
    let written = 0;
    try {
      const saved = await savedRun(this.#lab, 'automatic');
      if (!saved) return;
      const { info } = this.#lab.run.getState();
      const { step, bytes } = await storage.keep(saved.files, saved.description);
      this.#kept = { info, step };
      written = bytes;
    } catch (error) {
      this.#refused(error as Error);
    } finally {
      this.#isSaving = false;
      const end = clock.now();
      this.#affordableAt = end + Math.max(COST_SHARE * (end - start), written / BYTES_PER_MS);
      this.#notBefore = Math.max(end + EVERY_MS, this.#affordableAt);
    }
  }

  /** Said once; a device that went away or a cancelled run has its own words. */
  #refused({ name, message }: Error): void {
    if (name !== 'StorageFullError') return;
    this.#fullWith = this.#lab.stored.getState().entries;
    const title = 'The run is not kept automatically';
    if (this.#lab.run.getState().notes.some((note) => note.title === title)) return;
    addNote(this.#lab.run, { place: 'checkpoints', isError: true, title, body: message });
  }
}
