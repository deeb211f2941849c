/** @file What the engine tells, into the recorder and the store. Each event costs the same. */
import type { LiveChange } from '@/engine/config/experiment';
import { withValue } from '@/engine/config/settings';
import type { Events } from '@/engine/train/commands';
import type { Client } from '@/worker/client';
import { writeAddress } from './experiments';
import type { Lab } from './lab';
import { withChange } from './run';

export function listen(lab: Lab, client: Client): void {
  const { recorder } = lab;
  const heard = <K extends keyof Events>(event: K, take: (data: Events[K]) => void) =>
    client.on(event, (data) => {
      if (lab.hearing === 'all') take(data);
    });
  client.on('phase', (event) => onPhase(lab, event));
  heard('metrics', (event) => recorder.onMetrics(event));
  heard('load', (event) => recorder.onLoad(event));
  heard('domains', (event) => recorder.onDomains(event));
  heard('bias', (event) => recorder.onBias(event));
  heard('attention', (view) => recorder.onAttention(view));
  heard('kernels', (split) => recorder.onKernels(split));
  heard('needles', (grid) => recorder.onNeedles(grid));
  heard('sample', (sample) => recorder.onSample(sample));
  heard('changed', (change) => takeChange(lab, change));
  heard('recovered', (recovery) => onRecovered(lab, recovery));
  heard('failed', (failure) => {
    lab.run.setState({ failure, phase: 'stopped', step: failure.step, progress: undefined });
  });
}

function onPhase(lab: Lab, { phase, step, progress }: Events['phase']): void {
  if (lab.hearing === 'fromPreparing' && phase === 'preparing') lab.hearing = 'all';
  if (lab.hearing !== 'all') return;
  const before = lab.run.getState();
  lab.run.setState({ phase, step, progress });
  // Kernels that go on compiling move nothing: charts need not be drawn for each.
  const hasMoved = phase !== before.phase || step !== before.step;
  if (phase !== 'preparing' && hasMoved) lab.recorder.series.moveTo(step);
}

/** A live change took effect: it is part of the experiment from now on. */
export function takeChange(lab: Lab, change: LiveChange): void {
  const { experiment, applied, now } = lab.run.getState();
  lab.run.setState({
    experiment: { ...experiment, timeline: withChange(experiment.timeline, change) },
    applied: withChange(applied, change),
    now: withValue(now, change.path, change.to),
  });
  writeAddress(lab, 'replace');
}

function onRecovered(lab: Lab, recovery: Events['recovered']): void {
  lab.recorder.truncateAfter(recovery.resumedAt);
  lab.run.setState({ recovery, step: recovery.resumedAt });
}
