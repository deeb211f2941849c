/** @file Links that cannot be read: words for a person, the default experiment, and nothing else. */
import { deflateSync } from 'fflate';
import { encodeLink } from '@/engine/config/link';
import { forgedLink } from '../tests/config/forgedLink';
import { expect, test } from './fixtures';

const good = encodeLink({
  preset: 'micro',
  changes: { model: { expertCount: 24 }, run: { seed: 3 } },
  timeline: [{ step: 40, path: 'balance.kind', from: 'smebu', to: 'none' }],
});
const bomb = Buffer.from(deflateSync(new Uint8Array(8 << 20), { level: 9 })).toString('base64url');

const BAD_LINKS: readonly [string, string, RegExp][] = [
  ['a cut link', good.slice(0, -9), /probably cut when it was copied/],
  ['a changed link', `${good.slice(0, -1)}!`, /changed on the way/],
  ['a link of a newer version', 'v2.abc', /newer version of Trinity Lab/],
  ['a text that is no link', '<script>alert(1)</script>', /not a link of Trinity Lab/],
  ['an absurd number', forgedLink(['micro', [['model.layerCount', 1e9]], []]), /want 1 to 128/],
  ['a wrong type', forgedLink(['micro', [['model.width', '64']], []]), /want a number/],
  ['a prototype', forgedLink(['micro', [['__proto__.polluted', 1]], []]), /no such setting/],
  ['a bomb', `v1.AAAAAA${bomb}`, /Nothing of it was used/],
  ['a megabyte', `v1.${'A'.repeat(1 << 20)}`, /letters long/],
];

for (const [what, hash, words] of BAD_LINKS) {
  test(`${what} is refused in words`, async ({ page, settings }) => {
    await page.goto(`/#${hash}`);
    await expect(page.getByText('This link could not be read')).toBeVisible();
    await expect(page.getByText(words)).toBeVisible();
    await expect(page.getByText(/this is the default experiment/)).toBeVisible();
    await expect(settings.preset).toBeVisible();
  });
}

test('a good link shows its experiment and waits for Play', async ({ page, runBar }) => {
  await page.goto(`/#${good}`);
  await expect(runBar.play).toBeEnabled();
  expect(await runBar.steps()).toBe(0);
  expect(new URL(page.url()).hash).toBe(`#${good}`);
});
