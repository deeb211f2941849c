/**
 * @file Everything that a run has told: curves, histories, the newest arrays, samples. Outside
 * React; handling an event costs the same however long the run.
 */
import type { AttentionView, Events, NeedleGrid, Sample } from '@/engine/train/commands';
import { History } from './history';
import { Losses, type Reproduction } from './losses';
import { Series } from './series';
import { type RequestFrame, Signal } from './signal';

/** Samples kept on the page, the newest first. */
export const MAX_SAMPLES = 40;

/** Shape of the expert arrays of a run. */
export interface ExpertShape {
  readonly layerCount: number;
  readonly expertCount: number;
}

export class Recorder {
  readonly signal: Signal;
  readonly series: Series;
  losses = new Losses();
  reproduction: Reproduction | undefined;

  /** Tokens of each expert, [mixture layers, experts] a column. */
  loads = new History(0);
  /** MaxVio of each mixture layer. */
  violations = new History(0);
  /** Router bias of each expert, [mixture layers, experts] a column. */
  biases = new History(0);

  load: Events['load'] | undefined;
  domains: Events['domains'] | undefined;
  bias: Events['bias'] | undefined;
  attention: AttentionView | undefined;
  kernels: Events['kernels'] | undefined;
  needles: NeedleGrid | undefined;
  samples: readonly Sample[] = [];
  /** Steps at which the count of spikes grew, in order. */
  spikes: readonly number[] = [];

  constructor(requestFrame: RequestFrame) {
    this.signal = new Signal(requestFrame);
    this.series = new Series(this.signal);
  }

  /** Forgets the run. The losses of a run that is about to be repeated are kept by its caller. */
  clear(): void {
    this.series.clear();
    this.losses = new Losses();
    this.reproduction = undefined;
    this.shape({ layerCount: 0, expertCount: 0 });
    this.load = undefined;
    this.domains = undefined;
    this.bias = undefined;
    this.attention = undefined;
    this.kernels = undefined;
    this.needles = undefined;
    this.samples = [];
    this.spikes = [];
    this.signal.touch();
  }

  /** Makes room for the expert arrays of a run; what was there is forgotten. */
  shape({ layerCount, expertCount }: ExpertShape): void {
    this.loads = new History(layerCount * expertCount);
    this.violations = new History(layerCount);
    this.biases = new History(layerCount * expertCount);
  }

  /** The run goes on from `step`; later steps come again. */
  truncateAfter(step: number): void {
    this.series.truncateAfter(step);
    for (const history of [this.loads, this.violations, this.biases]) history.truncateAfter(step);
    this.samples = this.samples.filter((sample) => sample.step <= step);
    this.spikes = this.spikes.filter((spike) => spike <= step);
    this.signal.touch();
  }

  onMetrics({ step, values }: Events['metrics']): void {
    const before = this.series.latest('train.spikes')?.value;
    if (before !== undefined && (values['train.spikes'] ?? 0) > before) {
      this.spikes = [...this.spikes, step];
    }
    this.series.record(step, values);
    const loss = values['train.loss'];
    if (loss === undefined) return;
    this.losses.set(step, loss);
    this.reproduction?.compare(step, loss);
  }

  onLoad(event: Events['load']): void {
    this.load = event;
    if (event.counts.length === this.loads.width) {
      this.loads.add(event.step, event.counts);
      this.violations.add(event.step, event.maxVio);
    }
    this.signal.touch();
  }

  onDomains(event: Events['domains']): void {
    this.domains = event;
    this.signal.touch();
  }

  onBias(event: Events['bias']): void {
    this.bias = event;
    if (event.bias.length === this.biases.width) this.biases.add(event.step, event.bias);
    this.signal.touch();
  }

  onAttention(view: AttentionView): void {
    this.attention = view;
    this.signal.touch();
  }

  onKernels(split: Events['kernels']): void {
    this.kernels = split;
    this.signal.touch();
  }

  onNeedles(grid: NeedleGrid): void {
    this.needles = grid;
    this.signal.touch();
  }

  onSample(sample: Sample): void {
    this.samples = [sample, ...this.samples].slice(0, MAX_SAMPLES);
    this.signal.touch();
  }
}
