/** @file The static server gives the files of its folder with their types, and nothing outside it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve } from '../../scripts/server.mjs';

const base = mkdtempSync(join(tmpdir(), 'lab-server-'));
const folder = join(base, 'dist');
let server: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(base, 'secret.txt'), 'secret');
  writeFileSync(join(folder, 'index.html'), '<p>lab');
  writeFileSync(join(folder, 'assets', 'main.js'), 'export {};');
  server = await serve({ folder, port: 4383 });
});

afterAll(() => {
  server.close();
  rmSync(base, { recursive: true });
});

/** A path as it is: fetch would tidy it up first. */
const statusOf = (path: string, method = 'GET'): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request(new URL(server.url), { path, method }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', reject).end();
  });

describe('the server', () => {
  it('gives the page and its modules with the types that browsers insist on', async () => {
    const page = await fetch(server.url);
    expect(await page.text()).toBe('<p>lab');
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const script = await fetch(`${server.url}assets/main.js?v=1#x`);
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(script.headers.get('cache-control')).toContain('immutable');
  });

  it('stays inside its folder', async () => {
    const paths = ['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '//../secret.txt'];
    for (const path of [...paths, '/assets', '/nothing', '/%ff', '/%00']) {
      expect(await statusOf(path), path).toBe(404);
    }
  });

  it('only reads', async () => {
    expect(await statusOf('/', 'HEAD')).toBe(200);
    expect(await statusOf('/', 'POST')).toBe(405);
  });

  it('takes the next free port', async () => {
    const second = await serve({ folder, port: 4383 });
    expect(second.url).not.toBe(server.url);
    second.close();
    await expect(serve({ folder, port: 4383, tries: 1 })).rejects.toThrow('no free port');
  });
});
