import { describe, expect, it } from 'vitest';
import type { Sample } from '@/engine/train/commands';
import { Losses, Reproduction } from '@/ui/state/losses';
import { MAX_SAMPLES, Recorder } from '@/ui/state/recorder';

/** Frames that a test lets pass by hand. */
function frames() {
  const asked: (() => void)[] = [];
  return {
    request: (run: () => void) => asked.push(run),
    pass: () => {
      for (const run of asked.splice(0)) run();
    },
  };
}

const sample = (step: number): Sample => ({
  step,
  prompt: '',
  text: '',
  temperature: 0,
  seed: 0,
  length: 0,
  elapsedMs: 0,
});

describe('the recorder', () => {
  it('tells listeners once a frame, however many events came', () => {
    const { request, pass } = frames();
    const recorder = new Recorder(request);
    let heard = 0;
    recorder.signal.subscribe(() => heard++);
    for (let step = 1; step <= 30; step++) {
      recorder.onMetrics({ step, values: { 'train.loss': step } });
    }
    expect(heard).toBe(0);
    pass();
    expect(heard).toBe(1);
    expect(recorder.series.latest('train.loss')).toEqual({ step: 30, value: 30 });
    expect(recorder.series.lastStep).toBe(30);
  });

  it('keeps the newest of a metric that comes now and then, with its own step', () => {
    const recorder = new Recorder(frames().request);
    recorder.onMetrics({ step: 20, values: { 'eval.bitsPerByte': 2.5 } });
    recorder.onMetrics({ step: 21, values: { 'train.loss': 1 } });
    expect(recorder.series.latest('eval.bitsPerByte')).toEqual({ step: 20, value: 2.5 });
    expect(recorder.series.latest('train.step')).toEqual({ step: 21, value: 21 });
  });

  it('gives the same object until a newer value comes', () => {
    const recorder = new Recorder(frames().request);
    recorder.onMetrics({ step: 1, values: { 'train.loss': 1 } });
    const first = recorder.series.latest('train.loss');
    recorder.onMetrics({ step: 2, values: { 'train.gradientNorm': 1 } });
    expect(recorder.series.latest('train.loss')).toBe(first);
  });

  it('records loads of its shape and leaves others out of the history', () => {
    const recorder = new Recorder(frames().request);
    recorder.shape({ layerCount: 2, expertCount: 3 });
    const load = (counts: number[]) => ({
      step: 1,
      counts: new Uint32Array(counts),
      maxVio: new Float32Array([0.5, 1]),
    });
    recorder.onLoad(load([1, 2, 3, 4, 5, 6]));
    expect(recorder.loads.at(1, 4)).toBe(5);
    expect(recorder.violations.at(1, 1)).toBe(1);
    recorder.onLoad({ ...load([1, 2]), step: 2 });
    expect(recorder.loads.columnCount).toBe(2);
    expect(recorder.load?.step).toBe(2);
  });

  it('goes back to a step in everything that it holds', () => {
    const recorder = new Recorder(frames().request);
    recorder.shape({ layerCount: 1, expertCount: 1 });
    for (let step = 1; step <= 10; step++) {
      recorder.onMetrics({ step, values: { 'train.loss': step } });
      recorder.onLoad({ step, counts: new Uint32Array(1), maxVio: new Float32Array(1) });
      recorder.onSample(sample(step));
    }
    recorder.truncateAfter(4);
    expect(recorder.series.lastStep).toBe(4);
    expect(recorder.series.latest('train.loss')?.step).toBe(4);
    expect(recorder.series.latest('train.step')?.value).toBe(4);
    expect(recorder.loads.columnCount).toBe(5);
    expect(recorder.samples[0]?.step).toBe(4);
  });

  it('marks a spike where their count grows, not where a run begins with some', () => {
    const recorder = new Recorder(frames().request);
    [2, 2, 3, 3, 5, 5].forEach((count, step) => {
      recorder.onMetrics({ step, values: { 'train.spikes': count } });
    });
    expect(recorder.spikes).toEqual([2, 4]);
    recorder.truncateAfter(3);
    expect(recorder.spikes).toEqual([2]);
    recorder.onMetrics({ step: 4, values: { 'train.spikes': 4 } });
    expect(recorder.spikes).toEqual([2, 4]);
    recorder.clear();
    expect(recorder.spikes).toEqual([]);
  });

  it('keeps the newest samples, the newest first', () => {
    const recorder = new Recorder(frames().request);
    for (let step = 1; step <= MAX_SAMPLES + 5; step++) recorder.onSample(sample(step));
    expect(recorder.samples).toHaveLength(MAX_SAMPLES);
    expect(recorder.samples[0]?.step).toBe(MAX_SAMPLES + 5);
  });
});

describe('a run done again', () => {
  const recorded = new Losses();
  for (let step = 1; step <= 3000; step++) recorded.set(step, Math.fround(1 / step));

  it('agrees when every loss has the same bits', () => {
    const again = new Reproduction(recorded);
    for (let step = 1; step <= 3000; step++) again.compare(step, Math.fround(1 / step));
    expect(again.comparedCount).toBe(3000);
    expect(again.isComplete).toBe(true);
    expect(again.difference).toBeUndefined();
  });

  it('names the first step whose bits differ', () => {
    const again = new Reproduction(recorded);
    for (let step = 1; step <= 20; step++) {
      again.compare(step, Math.fround(1 / step) + (step === 7 || step === 9 ? 2 ** -40 : 0));
    }
    expect(again.isComplete).toBe(false);
    expect(again.difference).toEqual({
      step: 7,
      recorded: Math.fround(1 / 7),
      repeated: Math.fround(1 / 7) + 2 ** -40,
    });
  });

  it('takes losses that are not finite as what they are, and 0 and −0 as different', () => {
    const odd = new Losses();
    odd.set(0, 0);
    odd.set(1, Number.POSITIVE_INFINITY);
    const again = new Reproduction(odd);
    again.compare(0, -0);
    again.compare(1, Number.POSITIVE_INFINITY);
    expect(again.difference?.step).toBe(0);
  });

  it('counts a step once, also where it is done twice after a lost device', () => {
    const again = new Reproduction(recorded);
    for (const step of [1, 2, 3, 2, 3, 4]) again.compare(step, Math.fround(1 / step));
    expect(again.comparedCount).toBe(4);
  });
});
