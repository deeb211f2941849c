/**
 * @file Serves a folder of finished files on this machine only.
 *
 *   node scripts/server.mjs [--port 4173] [--folder dist]
 */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { isMain, ROOT, say } from './terminal.mjs';

const HOST = '127.0.0.1';
const PORTS_TRIED = 20;
const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/**
 * Serves `folder` on the first free port from `port` on.
 *
 * @param {{ folder: string, port: number, tries?: number }} options
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export async function serve({ folder, port, tries = PORTS_TRIED }) {
  const root = resolve(folder);
  const server = createServer((request, response) => answer(root, request, response));
  for (let candidate = port; candidate < port + tries; candidate++) {
    if (await listens(server, candidate)) {
      return { url: `http://${HOST}:${candidate}/`, close: () => server.close() };
    }
  }
  throw new Error(`no free port from ${port} to ${port + tries - 1}`);
}

/**
 * @param {import('node:http').Server} server
 * @param {number} port
 * @returns {Promise<boolean>} false where the port is taken
 */
function listens(server, port) {
  return new Promise((done, fail) => {
    server.once('error', (error) => {
      server.removeAllListeners('listening');
      if ('code' in error && error.code === 'EADDRINUSE') done(false);
      else fail(error);
    });
    server.listen(port, HOST, () => {
      server.removeAllListeners('error');
      done(true);
    });
  });
}

/**
 * @param {string} root
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
function answer(root, request, response) {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    return;
  }
  const file = fileOf(root, request.url ?? '/');
  if (!file) {
    response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('Not found\n');
    return;
  }
  response.writeHead(200, {
    'Content-Type': TYPES[extname(file.path)] ?? 'application/octet-stream',
    'Content-Length': file.bytes,
    // The build puts a hash of the content into the names under assets/, and nowhere else.
    'Cache-Control': file.path.includes(`${sep}assets${sep}`)
      ? 'public, max-age=31536000, immutable'
      : 'no-cache',
    'X-Content-Type-Options': 'nosniff',
  });
  if (request.method === 'HEAD') response.end();
  else createReadStream(file.path).pipe(response);
}

/**
 * @param {string} root
 * @param {string} url
 * @returns {{ path: string, bytes: number } | undefined} undefined outside the root and where no file is
 */
function fileOf(root, url) {
  try {
    const path = decodeURIComponent(new URL(url, `http://${HOST}`).pathname);
    const file = normalize(join(root, path.endsWith('/') ? `${path}index.html` : path));
    if (!file.startsWith(root + sep)) return undefined;
    const stat = statSync(file);
    return stat.isFile() ? { path: file, bytes: stat.size } : undefined;
  } catch {
    // No such file, or a path that is no text: both are a 404.
    return undefined;
  }
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '4173' },
      folder: { type: 'string', default: 'dist' },
    },
  });
  const folder = resolve(ROOT, values.folder);
  // A test that asked for this port would talk to whoever has it, so no other will do.
  const { url } = await serve({ folder, port: Number(values.port), tries: 1 });
  say(`Serving ${folder} at ${url}`);
}
