/** @file The balancer switched in mid-run: seen, kept in the address, obeyed by the steps that follow. */
import { decodeLink } from '@/engine/config/link';
import { expect, test } from './fixtures';
import { addressOf, tinyExperiment } from './tinyExperiment';

const unbalanced = tinyExperiment({ balance: { kind: 'none' } });

test('a balancer switched on in mid-run marks its step and moves the biases', async ({
  page,
  runBar,
  settings,
  panels,
}) => {
  await page.goto(addressOf(unbalanced));
  // Biases are read while somebody looks at them.
  await panels.panel('Router bias').scrollIntoViewIfNeeded();
  const norm = page.locator('[data-metric="router.biasNorm"]').first();
  await runBar.lossesOfSteps(3);
  await expect(norm).toHaveAttribute('data-value', '0');
  const before = page.url();

  await settings.choose('balance.kind', 'smebu');
  await expect(page.getByRole('region', { name: 'Changes in this run' })).toContainText(
    'Balancer none to SMEBU',
  );
  await expect(
    panels.panel('Loss').getByRole('button', { name: 'Step 3: Balancer none to SMEBU' }),
  ).toBeAttached();
  expect(page.url()).not.toBe(before);
  expect(decodeLink(new URL(page.url()).hash)).toMatchObject({
    experiment: {
      changes: { balance: { kind: 'none' } },
      timeline: [{ step: 3, path: 'balance.kind', from: 'none', to: 'smebu' }],
    },
  });

  await runBar.lossesOfSteps(1);
  const one = Number(await norm.getAttribute('data-value'));
  await runBar.lossesOfSteps(3);
  const four = Number(await norm.getAttribute('data-value'));
  expect(one).toBeGreaterThan(0);
  expect(four).toBeGreaterThan(one);
});
