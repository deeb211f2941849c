import { expect, it } from 'vitest';
import { resolve } from '@/engine/config/experiment';
import { domainIds } from '@/engine/data/domains';
import { initialSigma } from '@/engine/model/parameters';
import { Session } from '@/engine/train/session';
import { download, openLab } from '../support/lab';
import { tinyExperiment } from '../support/trainer';

const lab = openLab();

/** Largest size of an initial matrix element, in standard deviations, over the whole model. */
async function farthest(initDistribution: 'truncated' | 'normal'): Promise<number> {
  const settings = resolve(tinyExperiment());
  const model = { ...settings.model, initDistribution };
  const session = await Session.create(lab.open(), { ...settings, model }, domainIds.length);
  await session.stepper.start(1);
  let most = 0;
  for (const { spec, weight } of session.stepper.state.weights.entries()) {
    if (spec.role === 'gain') continue;
    for (const value of await download(lab.open(), weight)) most = Math.max(most, Math.abs(value));
  }
  session.destroy();
  return most / initialSigma(model);
}

it('draws the matrices from the distribution that is asked for', async () => {
  // The tiny model has some ten thousand elements: past 3.3 deviations one of a thousand would lie.
  expect(await farthest('truncated')).toBeLessThanOrEqual(3.0001);
  expect(await farthest('normal')).toBeGreaterThan(3.3);
});
