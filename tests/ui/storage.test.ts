/** @file The shelf of checkpoints on a disk of a browser's kind: whole or not at all, shared by tabs, kept small. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Storage } from '@/ui/storage/client';
import type { Description } from '@/ui/storage/record';
import { FakeDisk, fakeStorage } from './support/fakeStorage';

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A tab with its shelf open. */
async function tabOn(disk: FakeDisk, previous?: string) {
  const { client, close } = fakeStorage(disk);
  closing.push(close);
  return { shelf: client, close, name: await client.open(previous) };
}

const about = (step: number, changes: Partial<Description> = {}): Description => ({
  kind: 'automatic',
  name: '',
  preset: 'micro',
  step,
  loss: 2.5,
  link: 'v1.x',
  isImported: false,
  ...changes,
});

const filesOf = (step: number, bytes = 100) =>
  new Map([
    ['config.json', new TextEncoder().encode('{}')],
    ['model.safetensors', new Uint8Array(bytes).fill(step)],
  ]);

const stepsOn = async (shelf: Storage) =>
  (await shelf.list()).map(({ kind, step }) => `${kind} ${step}`).sort();

describe('a kept checkpoint', () => {
  it('comes back byte for byte, with what was said of it', async () => {
    const { shelf, name } = await tabOn(new FakeDisk());
    const files = filesOf(7);
    const stored = await shelf.keep(files, about(7, { kind: 'kept', name: 'before the spike' }));
    expect(files.get('model.safetensors')!.length, 'moved, not copied').toBe(0);
    expect(stored).toMatchObject({ step: 7, bytes: 102, tab: name, owner: 'this tab', loss: 2.5 });
    expect(await shelf.list()).toEqual([stored]);
    expect(await shelf.read(stored.id)).toEqual(filesOf(7));
  });

  it('is there only when its manifest is, which is written last; what is torn is swept away', async () => {
    const disk = new FakeDisk();
    const { shelf, close } = await tabOn(disk);
    const written: string[] = [];
    disk.beforeWrite = (name) => written.push(name);
    for (const step of [1, 2, 3]) await shelf.keep(filesOf(step), about(step, { kind: 'kept' }));
    expect(written.slice(0, 3)).toEqual(['config.json', 'model.safetensors', 'manifest-0.json']);
    close();
    const [, second, third] = disk.folders;
    second!.files.delete('manifest-0.json');
    third!.files.set('manifest-0.json', third!.files.get('manifest-0.json')!.slice(0, 60));
    const next = await tabOn(disk);
    expect(await stepsOn(next.shelf)).toEqual(['kept 1']);
    await next.shelf.keep(filesOf(4), about(4));
    expect(disk.folders.length).toBe(2);
  });

  it('is refused when its bytes have changed or gone', async () => {
    const disk = new FakeDisk();
    const { shelf } = await tabOn(disk);
    const { id } = await shelf.keep(filesOf(1), about(1));
    const lies = disk.folders[0]!.files;
    lies.get('model.safetensors')![50] = 9;
    const refused = { name: 'DamagedCheckpointError', message: /model\.safetensors does not hold/ };
    await expect(shelf.read(id)).rejects.toMatchObject({ name: refused.name });
    await expect(shelf.read(id)).rejects.toThrow(refused.message);
    lies.set('model.safetensors', new Uint8Array(99));
    await expect(shelf.archive(id, 'x')).rejects.toThrow(refused.message);
    lies.delete('model.safetensors');
    await expect(shelf.read(id)).rejects.toThrow(refused.message);
    await shelf.remove([id, 'never there']);
    await expect(shelf.read(id)).rejects.toThrow(/no longer kept here/);
    expect(disk.folders).toEqual([]);
  });

  it('gets a name, which keeps an automatic one; the old manifest stands until the new one does', async () => {
    const disk = new FakeDisk();
    const { shelf } = await tabOn(disk);
    const { id } = await shelf.keep(filesOf(1), about(1));
    disk.beforeWrite = () => {
      throw new Error('the tab is closed');
    };
    await expect(shelf.rename(id, 'good')).rejects.toThrow('closed');
    expect(await stepsOn(shelf)).toEqual(['automatic 1']);
    disk.beforeWrite = () => {};
    await shelf.rename(id, 'good');
    await shelf.rename(id, 'better');
    expect(await shelf.list()).toMatchObject([{ id, kind: 'kept', name: 'better', bytes: 102 }]);
    expect([...disk.folders[0]!.files.keys()].filter((name) => /manifest/.test(name)).length).toBe(
      1,
    );
  });
});

describe('the room', () => {
  it('is told before anything is written, with what to do', async () => {
    const disk = new FakeDisk();
    const { shelf } = await tabOn(disk);
    disk.quota = 50;
    const refused = shelf.keep(filesOf(1), about(1, { kind: 'kept' }));
    await expect(refused).rejects.toMatchObject({ name: 'StorageFullError' });
    await expect(shelf.keep(filesOf(1), about(1))).rejects.toThrow(
      /It takes 102 bytes; the browser grants this page 50 bytes, of which 0 bytes are taken\. Delete/,
    );
    expect(disk.root.bytes).toBe(0);
  });

  it('may end in mid-write: nothing of it stays, and what was kept is whole', async () => {
    const disk = new FakeDisk();
    const { shelf } = await tabOn(disk);
    const first = await shelf.keep(filesOf(1), about(1));
    disk.hardLimit = disk.root.bytes + 60;
    await expect(shelf.keep(filesOf(2), about(2))).rejects.toMatchObject({
      name: 'StorageFullError',
    });
    expect(disk.folders.length).toBe(1);
    expect(await shelf.read(first.id)).toEqual(filesOf(1));
  });

  it('is made for an automatic one by an older one, never by the last', async () => {
    const disk = new FakeDisk();
    const { shelf } = await tabOn(disk);
    await shelf.keep(filesOf(1), about(1));
    await shelf.keep(filesOf(2), about(2));
    disk.hardLimit = disk.root.bytes + 60;
    await shelf.keep(filesOf(3), about(3));
    expect(await stepsOn(shelf)).toEqual(['automatic 2', 'automatic 3']);
    disk.hardLimit = 0;
    await expect(shelf.keep(filesOf(4), about(4))).rejects.toThrow();
    expect(await stepsOn(shelf)).toEqual(['automatic 3']);
  });

  it('is nowhere in some private windows, which is said, and archives are still made', async () => {
    const disk = new FakeDisk();
    disk.openError = new Error('not allowed');
    const { client, close } = fakeStorage(disk);
    closing.push(close);
    await expect(client.open(undefined)).rejects.toMatchObject({ name: 'StorageUnavailableError' });
    await expect(client.list()).rejects.toMatchObject({ name: 'StorageUnavailableError' });
    expect((await client.pack(filesOf(1), 'micro-step-1')).size).toBeGreaterThan(100);
  });
});

describe('several tabs', () => {
  it('keep their own newest two automatic ones; what was kept by name stays', async () => {
    const disk = new FakeDisk();
    const [one, two] = [await tabOn(disk), await tabOn(disk)];
    await one.shelf.keep(filesOf(1), about(1, { kind: 'kept' }));
    for (const step of [2, 3, 4]) await one.shelf.keep(filesOf(step), about(step));
    for (const step of [12, 13, 14]) await two.shelf.keep(filesOf(step), about(step));
    expect(await stepsOn(one.shelf)).toEqual(
      ['kept 1', 'automatic 3', 'automatic 4', 'automatic 13', 'automatic 14'].sort(),
    );
    const owners = (await one.shelf.list()).map(({ step, owner }) => `${step} ${owner}`);
    expect(owners).toContain('4 this tab');
    expect(owners).toContain('14 another tab');
  });

  it('leave what a closed tab had, the newest two of all closed ones', async () => {
    const disk = new FakeDisk();
    for (const step of [1, 2, 3]) {
      const tab = await tabOn(disk);
      await tab.shelf.keep(filesOf(step), about(step));
      tab.close();
    }
    const last = await tabOn(disk);
    expect((await last.shelf.list()).map(({ owner }) => owner)).toEqual([
      'nobody',
      'nobody',
      'nobody',
    ]);
    await last.shelf.keep(filesOf(9), about(9));
    expect(await stepsOn(last.shelf)).toEqual(['automatic 2', 'automatic 3', 'automatic 9']);
  });

  it('count only what is their own or nobody’s: what an open tab has makes no room for others', async () => {
    const disk = new FakeDisk();
    for (const step of [1, 2]) {
      const tab = await tabOn(disk);
      await tab.shelf.keep(filesOf(step), about(step));
      tab.close();
    }
    const [other, own] = [await tabOn(disk), await tabOn(disk)];
    for (const step of [3, 4]) await other.shelf.keep(filesOf(step), about(step));
    await own.shelf.keep(filesOf(5), about(5));
    expect((await own.shelf.list()).map(({ step }) => step).sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('have a name each: a reloaded tab its own again, a duplicated one another', async () => {
    const disk = new FakeDisk();
    const one = await tabOn(disk);
    const duplicate = await tabOn(disk, one.name);
    expect(duplicate.name).not.toBe(one.name);
    const reloading = tabOn(disk, one.name);
    setTimeout(one.close, 20);
    expect((await reloading).name).toBe(one.name);
  });

  it('never read what another one deletes at that moment, nor write together', async () => {
    const disk = new FakeDisk();
    const [one, two] = [await tabOn(disk), await tabOn(disk)];
    const stored = await one.shelf.keep(filesOf(1, 20 * 2 ** 20), about(1));
    const [read] = await Promise.all([two.shelf.read(stored.id), one.shelf.remove([stored.id])]);
    expect(read.get('model.safetensors')!.length).toBe(20 * 2 ** 20);
    const written: string[] = [];
    disk.beforeWrite = (name) => written.push(name);
    await Promise.all([
      one.shelf.keep(filesOf(2), about(2)),
      two.shelf.keep(filesOf(3), about(3)),
      one.shelf.keep(filesOf(4), about(4)),
    ]);
    expect(await stepsOn(one.shelf)).toEqual(['automatic 2', 'automatic 3', 'automatic 4']);
    const whole = ['config.json', 'model.safetensors', 'manifest-0.json'];
    expect(written).toEqual([...whole, ...whole, ...whole]);
  });

  it('hear of each other', async () => {
    const disk = new FakeDisk();
    const [one, two] = [await tabOn(disk), await tabOn(disk)];
    const heard: string[] = [];
    one.shelf.onChange(() => heard.push('one'));
    two.shelf.onChange(() => heard.push('two'));
    await one.shelf.keep(filesOf(1), about(1));
    await two.shelf.list();
    expect(heard.sort()).toEqual(['one', 'two']);
  });

  it('may let an automatic one go that is being downloaded elsewhere, never one of their own', async () => {
    const disk = new FakeDisk();
    const { shelf } = await tabOn(disk);
    const { id } = await shelf.keep(filesOf(1), about(1));
    await shelf.archive(id, 'x');
    for (const step of [2, 3, 4]) await shelf.keep(filesOf(step), about(step));
    expect(await stepsOn(shelf)).toEqual(['automatic 1', 'automatic 3', 'automatic 4']);
  });
});
