import { describe, expect, it } from 'vitest';
import { boot } from '@/ui/state/boot';
import { type Clock, Pace } from '@/ui/state/pace';
import { withChange } from '@/ui/state/run';
import {
  createViewStore,
  isPanelActive,
  shownMixtureLayer,
  togglePin,
  withMember,
} from '@/ui/state/view';
import { watchOf } from '@/ui/state/watch';
import { fakeLab, until } from './support/fakeEngine';

describe('pins', () => {
  it('keep their place and colour until they are taken away', () => {
    const view = createViewStore();
    for (const expert of [4, 21, 30]) togglePin(view, expert);
    togglePin(view, 21);
    expect(view.getState().pins).toEqual([4, undefined, 30, undefined]);
    togglePin(view, 7);
    expect(view.getState().pins).toEqual([4, 7, 30, undefined]);
  });

  it('are four at most', () => {
    const view = createViewStore();
    for (const expert of [1, 2, 3, 4, 5]) togglePin(view, expert);
    expect(view.getState().pins).toEqual([1, 2, 3, 5]);
  });
});

describe('what panels watch', () => {
  const store = createViewStore();
  const look = (inView: string[], more = {}) =>
    watchOf({ ...store.getState(), inView: new Set(inView), ...more }, 4);

  it('is nothing while nothing is in view', () => {
    expect(look([])).toEqual({
      load: false,
      domains: false,
      bias: false,
      attention: undefined,
      kernels: false,
    });
  });

  it('is what is in view and unfolded', () => {
    expect(look(['expert-load', 'router-bias'])).toMatchObject({ load: true, bias: true });
    expect(look(['expert-load']).kernels).toBe(false);
    expect(look(['kernels']).kernels).toBe(true);
    expect(look(['expert-load'], { folded: new Set(['expert-load']) }).load).toBe(false);
    expect(look(['expert-load', 'loss'], { enlarged: 'loss' }).load).toBe(false);
  });

  it('is a layer that the model has', () => {
    expect(look(['attention'], { layer: 9, head: 1 }).attention).toEqual({
      layer: 3,
      head: 1,
      sequence: 0,
    });
  });

  it('reaches the engine when panels come and go, and when a run begins', async () => {
    const { lab, engine } = fakeLab();
    const panel = (id: string, isIn: boolean) =>
      lab.view.setState(({ inView }) => ({ inView: withMember(inView, id, isIn) }));
    panel('expert-load', true);
    await boot(lab);
    await until(() => engine().watched?.load === true);
    panel('expert-load', false);
    panel('router-bias', true);
    await until(() => engine().watched?.bias === true);
    expect(engine().watched?.load).toBe(false);
    expect(isPanelActive(lab.view.getState(), 'router-bias')).toBe(true);
  });
});

describe('the chosen layer', () => {
  it('stands for the nearest with experts where it has none', () => {
    expect(shownMixtureLayer(0, [2, 3, 4])).toBe(2);
    expect(shownMixtureLayer(3, [2, 3, 4])).toBe(3);
    expect(shownMixtureLayer(1, [])).toBe(1);
  });
});

describe('a timeline', () => {
  const at = (step: number, from: number, to: number) => ({
    step,
    path: 'optimizer.gradientClip' as const,
    from,
    to,
  });

  it('is by step, with one change of a row at a step', () => {
    const changes = withChange(withChange([at(9, 1, 2)], at(4, 3, 1)), at(9, 2, 5));
    expect(changes).toEqual([at(4, 3, 1), at(9, 1, 5)]);
  });

  it('loses a change that was taken back at its own step', () => {
    expect(withChange([at(9, 1, 2)], at(9, 2, 1))).toEqual([]);
  });
});

describe('drawing in turns', () => {
  /** A clock that a test moves. */
  function handClock() {
    let time = 0;
    const waiting: { at: number; run: () => void }[] = [];
    const clock: Clock = {
      now: () => time,
      frame: (run) => void waiting.push({ at: time + 16, run }),
      after: (milliseconds, run) => void waiting.push({ at: time + milliseconds, run }),
    };
    const passTo = (until: number) => {
      for (;;) {
        const next = waiting.sort((a, b) => a.at - b.at)[0];
        if (!next || next.at > until) break;
        waiting.shift();
        time = Math.max(time, next.at);
        next.run();
      }
      time = Math.max(time, until);
    };
    const spend = (milliseconds: number) => {
      time += milliseconds;
    };
    return { clock, passTo, spend };
  }

  it('draws each chart no oftener than it asked for', () => {
    const { clock, passTo } = handClock();
    const pace = new Pace(clock);
    let drawn = 0;
    pace.join(() => drawn++, 250);
    for (let time = 0; time <= 2000; time += 20) {
      pace.mark();
      passTo(time);
    }
    expect(drawn).toBeGreaterThanOrEqual(6);
    expect(drawn).toBeLessThanOrEqual(9);
  });

  it('gives a slow chart an eighth of the time, and the others their turn', () => {
    const { clock, passTo, spend } = handClock();
    const pace = new Pace(clock);
    let slow = 0;
    let quick = 0;
    pace.join(() => {
      slow++;
      spend(100);
    }, 100);
    pace.join(() => quick++, 100);
    for (let time = 0; time <= 4000; time += 20) {
      pace.mark();
      passTo(time);
    }
    expect(slow).toBeLessThanOrEqual(6);
    expect(quick).toBeGreaterThan(15);
  });

  it('gives all charts together a small part of a processor that trains, and each its turn', () => {
    const { clock, passTo, spend } = handClock();
    const pace = new Pace(clock, () => true);
    const drawn = [0, 0, 0, 0];
    for (const i of drawn.keys()) {
      pace.join(() => {
        drawn[i]!++;
        spend(10);
      }, 100);
    }
    for (let time = 0; time <= 30_000; time += 20) {
      pace.mark();
      passTo(time);
    }
    const total = drawn.reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThanOrEqual(44);
    expect(total).toBeLessThanOrEqual(50); // 10 of 610 ms
    expect(Math.max(...drawn) - Math.min(...drawn)).toBeLessThanOrEqual(1);
  });

  it('does not keep a processor that trains waiting for seconds after one long drawing', () => {
    const { clock, passTo, spend } = handClock();
    const pace = new Pace(clock, () => true);
    let quick = 0;
    pace.join(() => spend(200), 100);
    pace.join(() => quick++, 100);
    pace.mark();
    for (let time = 0; time <= 1800; time += 20) passTo(time);
    expect(quick).toBe(1);
  });

  it('draws nothing while nothing changes, and nobody who left', () => {
    const { clock, passTo } = handClock();
    const pace = new Pace(clock);
    let drawn = 0;
    const leave = pace.join(() => drawn++, 10);
    passTo(500);
    expect(drawn).toBe(0);
    pace.mark();
    leave();
    passTo(1000);
    expect(drawn).toBe(0);
  });
});
