/**
 * @file An engine that does as it is told, behind a real line: what a test of the page's state needs
 * of one. It trains nothing; a test tells its events.
 */
import { type Experiment, resolve } from '@/engine/config/experiment';
import { mixtureLayers } from '@/engine/config/layers';
import { valueAt, withValue } from '@/engine/config/settings';
import type { Commands, Events, Plan, RunInfo, Watch } from '@/engine/train/commands';
import type { Address } from '@/ui/state/address';
import { type EngineWorker, Lab } from '@/ui/state/lab';
import type { Clock } from '@/ui/state/pace';
import { type Emit, serve } from '@/worker/host';
import { FakeDisk, fakeStorage } from './fakeStorage';

/** Bytes of this adapter. */
const ROOM = 2 ** 30;

export class FakeEngine implements EngineWorker {
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: ErrorEvent) => unknown) | null = null;
  /** Commands in the order in which they came. */
  readonly calls: string[] = [];
  isSoftware = true;
  isTerminated = false;
  openError: Error | undefined;
  textError: Error | undefined;
  /** Refuses a checkpoint before anything is changed. */
  loadError: Error | undefined;
  /** Fails after the run before was ended. */
  lateLoadError: Error | undefined;
  lateResetError: Error | undefined;
  watched: Watch | undefined;
  bytesPerPreset: Record<string, number> = {};
  /** What `start` waits for. */
  gate: Promise<void> = Promise.resolve();
  /** What `load` waits for before it takes or refuses a checkpoint. */
  checking: Promise<void> = Promise.resolve();
  step = 0;
  /** What a run takes. */
  bytes = 700;
  /** How far the kernels of a run are when it stands. */
  compiling: Events['phase']['progress'];
  /** Whether what is loaded comes without a run. */
  isImported = false;
  readonly #emit: Emit;
  readonly #inner: { onmessage: ((event: MessageEvent) => void) | null };
  #experiment: Experiment | undefined;

  constructor() {
    // Messages are cloned and arrive later, as over a port.
    const post = (message: unknown, to: () => ((event: MessageEvent) => void) | null) => {
      const data = structuredClone(message);
      setTimeout(() => !this.isTerminated && to()?.({ data } as MessageEvent), 0);
    };
    const inner = {
      onmessage: null as ((event: MessageEvent) => void) | null,
      postMessage: (message: unknown) => post(message, () => this.onmessage),
    };
    this.#inner = inner;
    this.postMessage = (message) => post(message, () => this.#inner.onmessage);
    this.#emit = serve(inner, this.#commands());
  }

  readonly postMessage: (message: unknown) => void;

  terminate(): void {
    this.isTerminated = true;
  }

  /** Tells an event, as the worker would. */
  tell: Emit = (event, data) => this.#emit(event, data);

  /** Tells one trained step. */
  trained(step: number, loss: number): void {
    this.step = step;
    this.tell('metrics', { step, values: { 'train.loss': loss } });
  }

  planOf(experiment: Experiment): Plan {
    const total = this.bytesPerPreset[experiment.preset] ?? 1000;
    const bytes = { weights: total, gradients: 0, optimizer: 0, activations: 0, other: 0, total };
    const plan = {
      parameterCount: 1,
      activeParameterCount: 1,
      bytes,
      tokensPerStep: 1024,
      flopsPerToken: { forward: 2, training: 6 },
      kvCache: { bytesPerToken: 4, growingBytesPerToken: 4, contextBytes: 512 },
    };
    if (total <= ROOM) return plan;
    return {
      ...plan,
      refusal: { message: 'too large', recomputedBytes: undefined, fits: 'micro' },
    };
  }

  #info(experiment: Experiment, startStep = 0): RunInfo {
    const { model } = resolve(experiment);
    return {
      plan: this.planOf(experiment),
      experiment,
      mixtureLayers: mixtureLayers(model),
      expertCount: model.expertCount,
      domains: [],
      startStep,
      isImported: this.isImported,
    };
  }

  /** A new run stands there; its kernels may still compile. */
  #stand(): void {
    const { step, bytes, compiling: progress } = this;
    this.tell('metrics', { step, values: { 'train.step': step, 'memory.deviceBytes': bytes } });
    this.tell('phase', { phase: 'paused', step, ...(progress && { progress }) });
  }

  #commands(): Commands {
    const called = (name: string) => this.calls.push(name);
    return {
      open: async () => {
        if (this.openError) throw this.openError;
        return {
          name: 'fake',
          vendor: '',
          architecture: '',
          isSoftware: this.isSoftware,
          features: [],
          maxBufferBytes: ROOM,
          maxBindingBytes: ROOM,
        };
      },
      plan: async (experiment) => this.planOf(experiment),
      start: async (experiment) => {
        called('start');
        this.tell('phase', { phase: 'preparing', step: 0 });
        await this.gate;
        this.#experiment = experiment;
        this.step = 0;
        this.#stand();
        return this.#info(experiment);
      },
      play: async () => {
        called('play');
        this.tell('phase', { phase: 'training', step: this.step });
      },
      pause: async () => {
        called('pause');
        this.tell('phase', { phase: 'paused', step: this.step });
      },
      step: async () => void called('step'),
      reset: async () => {
        called('reset');
        this.step = 0;
        this.tell('phase', { phase: 'preparing', step: 0 });
        if (this.lateResetError) throw this.lateResetError;
        this.#stand();
        return this.#info(this.#experiment!);
      },
      rewind: async () => {
        called('rewind');
        this.step = 10;
        return 10;
      },
      change: async (path, to) => {
        called('change');
        const values = this.#experiment!.timeline.reduce(
          (now, change) => withValue(now, change.path, change.to),
          resolve(this.#experiment!),
        );
        const change = { step: this.step, path, from: valueAt(values, path), to };
        this.tell('changed', change);
        return change;
      },
      watch: async (watch) => {
        this.watched = watch;
      },
      generate: async () => Promise.reject(new Error('not asked for here')),
      evaluate: async () => {
        called('evaluate');
        return {};
      },
      probeNeedles: async () => void called('probeNeedles'),
      addText: async (name, bytes) => {
        if (this.textError) throw this.textError;
        return { name, bytes: bytes.length };
      },
      save: async () => {
        called('save');
        const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
        return new Map([
          ['config.json', text({ model_type: 'afmoe' })],
          ['model.safetensors', new Uint8Array(64).fill(this.step)],
          ['trainer.json', text({ step: this.step, experiment: this.#experiment })],
        ]);
      },
      load: async (files) => {
        called('load');
        await this.checking;
        if (this.loadError) throw this.loadError;
        this.tell('phase', { phase: 'preparing', step: 0 });
        await this.gate;
        if (this.lateLoadError) throw this.lateLoadError;
        const { step, experiment } = JSON.parse(
          new TextDecoder().decode(files.get('trainer.json')),
        );
        this.#experiment = experiment;
        this.step = step;
        this.#stand();
        return this.#info(experiment, step);
      },
      removeText: async () => void called('removeText'),
    };
  }
}

/** An address bar with its history. */
export class FakeAddress implements Address {
  readonly pages: string[];
  #listener: (() => void) | undefined;

  constructor(text = '') {
    this.pages = [text];
  }

  read = () => this.pages.at(-1)!;
  replace = (text: string) => void this.pages.splice(-1, 1, text);
  push = (text: string) => void this.pages.push(text);
  get href() {
    return `https://lab.test/#${this.read()}`;
  }
  onChange = (listener: () => void) => {
    this.#listener = listener;
  };

  back(): void {
    this.pages.pop();
    this.#listener?.();
  }

  /** As if the visitor typed it. */
  type(text: string): void {
    this.push(text);
    this.#listener?.();
  }
}

/** A lab whose engines a test holds in its hand; the last one is the current one. */
export function fakeLab(
  text = '',
  prepare: (engine: FakeEngine) => void = () => {},
  disk = new FakeDisk(),
  tabName?: string,
) {
  const engines: FakeEngine[] = [];
  const address = new FakeAddress(text);
  const storage = fakeStorage(disk);
  const tab = {
    name: tabName,
    read: () => tab.name,
    write: (name: string) => {
      tab.name = name;
    },
  };
  const clock = new FakeClock();
  const lab = new Lab({
    address,
    openWorker: () => {
      const engine = new FakeEngine();
      prepare(engine);
      engines.push(engine);
      return engine;
    },
    clock,
    storage: storage.client,
    tab,
  });
  const close = () => storage.close();
  return { lab, address, engines, engine: () => engines.at(-1)!, disk, clock, tab, close };
}

/** Real time, which a test may move on. */
class FakeClock implements Clock {
  readonly #waiting: { at: number; run: () => void }[] = [];
  #time = 0;

  now = () => this.#time;
  frame = (run: () => void) => void setTimeout(run, 0);
  after = (milliseconds: number, run: () => void) => {
    const one = { at: this.#time + milliseconds, run };
    this.#waiting.push(one);
    setTimeout(() => this.#take(one), milliseconds);
  };

  /** As if so much time went by, every due call in its turn. */
  pass(milliseconds: number): void {
    const end = this.#time + milliseconds;
    for (;;) {
      const next = this.#waiting.sort((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.#time = Math.max(this.#time, next.at);
      this.#take(next);
    }
    this.#time = end;
  }

  #take(one: { at: number; run: () => void }): void {
    const place = this.#waiting.indexOf(one);
    if (place < 0) return;
    this.#waiting.splice(place, 1);
    one.run();
  }
}

/** Waits until something holds. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500; turn++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`never came true: ${holds}`);
}
