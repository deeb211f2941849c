/** @file A run that is kept, broken off, carried elsewhere and opened again, on the real engine. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { unzipSync } from 'fflate';
import { expect, test } from './fixtures';
import { Checkpoints } from './pages/Checkpoints';
import { dropOn } from './pages/drop';
import { RunBar } from './pages/RunBar';
import { addressOf, tinyExperiment } from './tinyExperiment';

const tiny = addressOf(tinyExperiment());

/** Losses of the first steps of a run that nobody disturbs. */
async function undisturbed(page: Page, steps: number): Promise<Map<number, number>> {
  await page.goto(tiny);
  return new RunBar(page).lossesOfSteps(steps);
}

/** Folders of checkpoints on the disk of this browser. */
const foldersOnDisk = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const kept = await root.getDirectoryHandle('checkpoints');
    let count = 0;
    for await (const _ of kept.keys()) count++;
    return count;
  });

test('a reload breaks a run off: it is offered by keyboard and goes on to the same bits', async ({
  page,
  runBar,
  stranger,
}) => {
  const expected = await undisturbed(stranger, 6);
  const checkpoints = new Checkpoints(page);
  await page.goto(tiny);
  const before = await runBar.lossesOfSteps(3);
  await checkpoints.keptByItself(3);
  const address = page.url();

  // Another tab of the same browser sees it and leaves it alone.
  const other = await page.context().newPage();
  await other.goto(tiny);
  // A machine that rests between two steps keeps more than one.
  await expect(new Checkpoints(other).row('automatic, by another tab').first()).toBeVisible();
  await expect(other.getByRole('button', { name: 'Discard' })).toBeHidden();
  await other.close();

  await page.reload();
  await expect(page.getByText(/^The run on micro stood at step 3, just now$/)).toBeVisible();
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
  expect(found).toEqual([]);
  const resume = page.getByRole('main').getByRole('button', { name: 'Resume' }).first();
  await resume.focus();
  await page.keyboard.press('Enter');
  await expect(runBar.play).toBeEnabled();
  await expect.poll(() => runBar.steps()).toBe(3);
  await expect(page.getByRole('button', { name: 'Discard' })).toBeHidden();
  const after = await runBar.lossesOfSteps(3);
  expect(new Map([...before, ...after])).toEqual(expected);
  expect(page.url()).toBe(address);
});

test('a link to another experiment is not met with the run before; discarding ends the offer', async ({
  page,
  runBar,
}) => {
  const checkpoints = new Checkpoints(page);
  await page.goto(tiny);
  await runBar.lossesOfSteps(2);
  await checkpoints.keptByItself(2);
  await page.goto('about:blank');
  await page.goto(addressOf(tinyExperiment({ run: { seed: 9 } })));
  await expect(checkpoints.rows).toHaveCount(1);
  await expect(runBar.play).toBeEnabled();
  await expect(page.getByRole('button', { name: 'Discard' })).toBeHidden();
  await page.goto('about:blank');
  await page.goto('/');
  await page.getByRole('button', { name: 'Discard' }).click();
  await expect(checkpoints.rows).toHaveCount(0);
  expect(await foldersOnDisk(page)).toBe(0);
  await page.reload();
  await expect(runBar.play).toBeEnabled();
  await expect(page.getByText(/stood at step/)).toBeHidden();
});

test('a download is dropped in elsewhere, and the run goes on there to the same bits', async ({
  page,
  runBar,
  stranger,
}, testInfo) => {
  const checkpoints = new Checkpoints(page);
  await page.goto(tiny);
  await runBar.lossesOfSteps(2);
  const path = testInfo.outputPath('run.zip');
  expect(await checkpoints.download(checkpoints.button('Download it'), path)).toBe(
    'micro-step-2.zip',
  );
  const expected = await runBar.lossesOfSteps(2);
  expect(Object.keys(unzipSync(await readFile(path))).sort()).toEqual(
    ['config.json', 'model.safetensors', 'optimizer.safetensors', 'trainer.json'].map(
      (name) => `micro-step-2/${name}`,
    ),
  );

  const elsewhere = new RunBar(stranger);
  await stranger.goto(addressOf(tinyExperiment({ run: { seed: 9 } })));
  await expect(elsewhere.play).toBeEnabled();
  await dropOn(stranger.getByRole('heading', { name: 'Loss' }), [path]);
  await expect.poll(() => elsewhere.steps()).toBe(2);
  expect(await elsewhere.lossesOfSteps(2)).toEqual(expected);
  expect(stranger.url()).toBe(page.url());
  // The link is that of the experiment: it makes the same run from step 0.
  await expect(stranger.getByText('These weights came from files')).toBeHidden();
});

test('what is no checkpoint is refused in words, and the run goes on', async ({
  page,
  runBar,
}, testInfo) => {
  const checkpoints = new Checkpoints(page);
  await page.goto(tiny);
  await runBar.play.click();
  await runBar.reaches(2);
  await runBar.rest();
  const whole = testInfo.outputPath('whole.zip');
  await checkpoints.download(checkpoints.button('Download it'), whole);
  const bytes = await readFile(whole);
  const broken = testInfo.outputPath('broken.zip');
  await runBar.play.click();
  const spoiled = Buffer.from(bytes);
  spoiled[Math.floor(bytes.length / 2)]! ^= 1;
  for (const [content, words] of [
    [bytes.subarray(0, bytes.length - 100), /it has no end, so it is probably cut/],
    [spoiled, /does not have its checksum/],
    [Buffer.from('words'), /does not begin as zip archives do/],
  ] as const) {
    await writeFile(broken, content);
    await checkpoints.pick('Open files', broken);
    await expect(page.getByRole('alert').filter({ hasText: words })).toBeVisible();
    const steps = await runBar.steps();
    await runBar.reaches(steps + 2);
  }
  // Whole files of another shape: only the engine can tell.
  const folder = testInfo.outputPath('other');
  await unpack(whole, folder);
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, vocab_size: 300 }));
  await dropOn(page.getByRole('heading', { name: 'Loss' }), [folder]);
  await expect(page.getByRole('alert').filter({ hasText: /vocab|embed|model/ })).toBeVisible();
  const steps = await runBar.steps();
  await runBar.reaches(steps + 2);
});

test('a folder of somebody else gives its weights, and no link claims to make them', async ({
  page,
  runBar,
  stranger,
}, testInfo) => {
  const checkpoints = new Checkpoints(page);
  await page.goto(tiny);
  const fresh = await runBar.lossesOfSteps(1);
  await runBar.play.click();
  await runBar.reaches(60);
  await runBar.rest();
  const path = testInfo.outputPath('run.zip');
  await checkpoints.download(checkpoints.button('Download it'), path);
  const folder = testInfo.outputPath('theirs');
  await unpack(path, folder, ['config.json', 'model.safetensors']);
  const weights = join(folder, 'model.safetensors');
  await writeFile(weights, asBrainFloats(await readFile(weights)));

  const elsewhere = new RunBar(stranger);
  const theirs = new Checkpoints(stranger);
  await stranger.goto(tiny);
  await expect(elsewhere.play).toBeEnabled();
  await theirs.pick('Open a folder', folder);
  await expect(stranger.getByText('These weights came from files')).toBeVisible();
  const [[step, loss] = []] = await elsewhere.lossesOfSteps(1);
  expect(step).toBe(1);
  // Sixty steps of learning came along.
  expect(loss).toBeLessThan(fresh.get(1)! - 1);
  await theirs.keptByItself(1);
  await expect(theirs.rows).toContainText('weights from files, so no link makes it');
});

test('a run is kept by name, opened from the list, and deleted for good', async ({
  page,
  runBar,
}) => {
  const checkpoints = new Checkpoints(page);
  await page.goto(tiny);
  await runBar.lossesOfSteps(2);
  await checkpoints.panel.getByRole('textbox', { name: 'This run, as' }).fill('before the storm');
  await checkpoints.button('Keep this run').click();
  const kept = checkpoints.row('before the storm');
  await expect(kept).toBeVisible();
  await runBar.lossesOfSteps(1);
  await kept.getByRole('button', { name: 'Resume' }).click();
  await expect.poll(() => runBar.steps()).toBe(2);

  await page.reload();
  await kept.getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('textbox', { name: 'Name of this checkpoint' }).fill('after it');
  await page.keyboard.press('Enter');
  const renamed = checkpoints.row('after it');
  await expect(renamed).toBeVisible();
  const folders = await foldersOnDisk(page);
  await renamed.getByRole('button', { name: 'Delete' }).click();
  await renamed.getByRole('button', { name: 'Delete it for good' }).click();
  await expect(renamed).toBeHidden();
  expect(await foldersOnDisk(page)).toBe(folders - 1);
});

/** Files of an archive into a folder, without the folder that they lie in. */
async function unpack(archive: string, folder: string, names?: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [path, bytes] of Object.entries(unzipSync(await readFile(archive)))) {
    const name = path.split('/').at(-1)!;
    if (!names || names.includes(name)) await writeFile(join(folder, name), bytes);
  }
}

/** A safetensors file of float32 as others publish theirs: bfloat16, cut off. */
function asBrainFloats(file: Buffer): Buffer {
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> =
    JSON.parse(file.subarray(8, 8 + headerBytes).toString());
  const parts: Buffer[] = [];
  const entries: typeof header = {};
  let at = 0;
  for (const [
    name,
    {
      shape,
      data_offsets: [start, end],
    },
  ] of tensorsOf(header)) {
    const wide = file.subarray(8 + headerBytes + start, 8 + headerBytes + end);
    const narrow = Buffer.alloc(wide.length / 2);
    for (let i = 0; i < narrow.length; i += 2) wide.copy(narrow, i, 2 * i + 2, 2 * i + 4);
    parts.push(narrow);
    entries[name] = { dtype: 'BF16', shape, data_offsets: [at, at + narrow.length] };
    at += narrow.length;
  }
  const text = Buffer.from(JSON.stringify(entries));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}

const tensorsOf = <T extends object>(header: Record<string, T>) =>
  Object.entries(header).filter(([name]) => name !== '__metadata__');
