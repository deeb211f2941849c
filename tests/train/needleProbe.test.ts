import { afterEach, describe, expect, it } from 'vitest';
import { resolve } from '@/engine/config/experiment';
import { domainIds } from '@/engine/data/domains';
import { NeedleProbe, needleAccuracy } from '@/engine/train/needleProbe';
import { Session } from '@/engine/train/session';
import { openLab } from '../support/lab';
import { tinyExperiment } from '../support/trainer';

const lab = openLab();
let session: Session | undefined;
afterEach(() => session?.destroy());

async function probe(trials: number): Promise<NeedleProbe> {
  const settings = resolve(tinyExperiment({ probes: { needleTrials: trials } }));
  session = await Session.create(lab.open(), settings, domainIds.length);
  await session.stepper.start(settings.run.seed);
  return new NeedleProbe(session, settings, 0);
}

describe('needle probe', () => {
  it('measures every cell with all its trials, the same ones every time', async () => {
    const grids = [];
    for (let round = 0; round < 2; round++) {
      const needles = await probe(3);
      while (!needles.isComplete) await needles.advance(7);
      grids.push(needles.grid());
      session?.destroy();
      session = undefined;
    }
    const [first, second] = grids;
    expect(first).toEqual(second);
    expect(first!.isComplete).toBe(true);
    expect(
      [...first!.accuracy].every((a) => [0, 1 / 3, 2 / 3, 1].some((n) => Math.abs(a - n) < 1e-6)),
    ).toBe(true);
    const { inside, beyond } = needleAccuracy(first!);
    expect(inside).toBeGreaterThanOrEqual(0);
    expect(beyond).toBeLessThanOrEqual(1);
  });

  it('waits for a pass on its way where no more can start: a loop over it must not starve the rest', async () => {
    const needles = await probe(64);
    const passes = Array.from({ length: 4 }, () => needles.advance(0)); // as many as may be on their way
    let isBack = false;
    const fifth = needles.advance(0).then(() => {
      isBack = true;
    });
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    expect(isBack).toBe(false);
    await Promise.all([...passes, fifth]);
    while (!needles.isComplete) await needles.advance(0);
  });
});
