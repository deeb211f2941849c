/**
 * @file Checks dist-engine: that it loads in plain Node, with no page, bundler or device, and that it
 * names no package but those that the engine may use.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'rolldown/parseAst';
import { importsOf } from './syntax.mjs';
import { ROOT, say } from './terminal.mjs';

const FOLDER = join(ROOT, 'dist-engine');
const PACKAGES = new Set(['fflate', 'valibot']);

const files = readdirSync(FOLDER, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.js'));
let bytes = 0;
const foreign = files.flatMap((name) => {
  const source = readFileSync(join(FOLDER, name), 'utf8');
  bytes += Buffer.byteLength(source);
  return importsOf(parseAst(source))
    .filter(({ from }) => !from.startsWith('.') && !PACKAGES.has(from))
    .map(({ from }) => `${name} imports ${from}`);
});
for (const line of foreign) say(line);

const names = Object.keys(await import(join(FOLDER, 'index.js')));
say(`dist-engine: ${names.length} names, ${(bytes / 1024).toFixed(0)} KiB before compression`);
if (names.length === 0 || foreign.length > 0) process.exitCode = 1;
