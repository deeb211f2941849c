/** @file What a stranger meets: a run that starts by itself, learns, and shows its numbers. */

import { decodeLink } from '@/engine/config/link';
import { metrics } from '@/engine/config/metrics';
import { families, shortLabel } from '@/ui/rail/families';
import { expect, test } from './fixtures';
import { reading } from './pages/metrics';
import { PANEL_TITLES } from './pages/Panels';
import { addressOf, tinyExperiment } from './tinyExperiment';

test('a first visit trains by itself and visibly learns', async ({ page, runBar, panels }) => {
  await page.goto('/');
  await runBar.reaches(1);
  const first = await reading(page, 'train.loss');
  for (const title of PANEL_TITLES) await expect(panels.panel(title)).toBeAttached();
  for (const button of [runBar.pause, runBar.step, runBar.reset, runBar.copyLink]) {
    await expect(button).toBeVisible();
  }
  await runBar.reaches(12);
  await runBar.rest();
  const later = await reading(page, 'train.loss');
  expect(first!.value).toBeLessThan(8);
  expect(later!.value).toBeLessThan(first!.value - 0.5);
  expect(later!.step).toBeGreaterThanOrEqual(12);
  // Nobody named an experiment, so the address bar now holds the one that was chosen.
  const link = decodeLink(new URL(page.url()).hash);
  expect(link).toMatchObject({ experiment: { changes: {}, timeline: [] } });
});

test('every live number says its name, its step and its full value', async ({ page, runBar }) => {
  const probes = { evalEvery: 2, needleEvery: 2, needleTrials: 1, sampleEvery: 2, sampleLength: 8 };
  await page.goto(addressOf(tinyExperiment({ probes })));
  await runBar.play.click();
  await expect
    .poll(async () => (await reading(page, 'needle.accuracyBeyond'))?.step)
    .toBeGreaterThan(0);
  await expect.poll(async () => (await reading(page, 'eval.bitsPerByte'))?.step).toBeGreaterThan(0);
  await runBar.rest();

  const shown = await page.locator('[data-metric]').evaluateAll((elements) =>
    elements.map((element) => ({
      name: element.getAttribute('data-metric') ?? '',
      step: Number(element.getAttribute('data-step') ?? Number.NaN),
      value: Number(element.getAttribute('data-value') ?? Number.NaN),
    })),
  );
  const names = shown.map(({ name }) => name);
  for (const name of [
    'train.step',
    'train.loss',
    'train.tokensPerSecond',
    'train.stepTime',
    'train.gradientNorm',
    'train.muonLearningRate',
    'eval.bitsPerByte',
    'router.maxVio',
    'router.deadExperts',
    'router.utilisation',
    'router.margin',
    'router.globalMaxVio',
    'train.maxLogit',
    'train.gradientKurtosis',
    'memory.deviceBytes',
    'needle.accuracy',
  ]) {
    expect(names).toContain(name);
  }
  // One micro-batch has no spread, and a spike stands out of fifty steps: a dash, and no value.
  const unmeasured = ['train.batchHet', 'train.spikes'];
  for (const { name, step, value } of shown.filter((one) => one.name in metrics)) {
    if (unmeasured.includes(name) && Number.isNaN(value)) continue;
    expect(Number.isInteger(step), `${name}: step ${step}`).toBe(true);
    expect(Number.isFinite(value), `${name}: value ${value}`).toBe(true);
  }
  // Not what is written for people, which is rounded.
  const loss = await reading(page, 'train.crossEntropy');
  expect(loss!.value).toBe(Math.fround(loss!.value));
  expect(String(loss!.value).length).toBeGreaterThan(8);
});

test('memory on the page is what the plan said, to the byte', async ({ page, runBar }) => {
  await page.goto(addressOf(tinyExperiment()));
  const total = page.getByRole('row', { name: /^total/ }).getByRole('cell');
  const planned = Number((await total.getAttribute('title'))!.replace(/\D/g, ''));
  await runBar.step.click();
  await runBar.reaches(1);
  expect((await reading(page, 'memory.deviceBytes'))!.value).toBe(planned);
});

test('every preset shows its sizes, and one that does not fit proposes a smaller one', async ({
  page,
  runBar,
  settings,
}) => {
  await page.goto(addressOf(tinyExperiment()));
  await expect(runBar.play).toBeEnabled();
  for (const family of families) {
    await settings.showFamily(family);
    for (const preset of family.presets) {
      const name = settings.preset.getByText(shortLabel(preset, family), { exact: true });
      await expect(name.locator('..')).toContainText(/\d [KMBT], [\d.]+ [KMBT]/);
      await expect(name.locator('..')).toContainText(/[MGTP]iB/);
    }
  }
  await settings.choosePreset('trinity-large');
  await expect(page.getByText(/It needs .*GiB/)).toBeVisible();
  await expect(page.getByText(/parameters, of which a token touches/)).toBeVisible();
  await expect(settings.newRun).toBeDisabled();
  const proposal = page
    .getByRole('region', { name: 'Preset', exact: true })
    .getByRole('button', { name: /^Open / });
  const smaller = (await proposal.textContent())!.replace('Open ', '');
  await proposal.click();
  await expect(
    settings.preset.getByRole('radio', { name: new RegExp(`^${smaller}`) }),
  ).toBeChecked();
  await expect(settings.newRun).toBeEnabled();
});
