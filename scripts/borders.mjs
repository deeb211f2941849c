/**
 * @file Who may import whom, held by a program: prints every import that crosses a border the wrong
 * way, and every global of a browser page that the engine names. Exits with 1 where there is one.
 * With `--fix` it first writes the imports that cross a border from `@/`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { parseAst } from 'rolldown/parseAst';
import { freeNames, importsOf } from './syntax.mjs';
import { isMain, ROOT, say } from './terminal.mjs';

/**
 * One area of the tree. A file belongs to the first area whose `home` is its path or a folder of it.
 * It may import from its home, from `may`, and from `types` with `import type` only.
 *
 * @typedef {{ home: string, may?: readonly string[], types?: readonly string[], packages?: readonly string[] }} Area
 */

const CONFIG = 'src/engine/config';
const BASE = [CONFIG, 'src/engine/math'];
const COMMANDS = 'src/engine/train/commands';
const LOOKS = ['src/ui/theme', 'src/ui/format'];
const PARTS = ['components', 'controls', 'state', 'storage', 'live', 'charts'].map(
  (name) => `src/ui/${name}`,
);

/** @type {readonly Area[]} */
const AREAS = [
  { home: CONFIG, packages: ['fflate', 'valibot'] },
  { home: 'src/engine/math' },
  { home: 'src/engine/gpu', may: [...BASE, 'src/shaders'] },
  { home: 'src/engine/ops', may: [...BASE, 'src/engine/gpu', 'src/shaders'] },
  { home: 'src/engine/model', may: [...BASE, 'src/engine/gpu', 'src/engine/ops'] },
  { home: 'src/engine/optim', may: [...BASE, 'src/engine/gpu', 'src/engine/ops'] },
  { home: 'src/engine/data', may: BASE, types: [COMMANDS] },
  {
    home: 'src/engine/files',
    may: [...BASE, 'src/engine/gpu', 'src/engine/model'],
    packages: ['valibot'],
  },
  { home: 'src/engine/node', packages: ['webgpu'] },
  { home: 'src/engine', may: ['src/shaders'] },
  {
    home: 'src/worker',
    may: ['src/engine/index', 'src/engine/data', CONFIG],
    types: [COMMANDS],
  },
  {
    home: 'src/cli',
    may: ['src/engine/index', 'src/engine/node', CONFIG],
    packages: ['node:fs', 'node:path', 'node:util'],
  },
  { home: 'src/ui/theme', packages: ['react', 'zustand'] },
  { home: 'src/ui/format', may: [CONFIG] },
  // Knows neither the lab nor a component: its worker loads it alone.
  {
    home: 'src/ui/storage',
    may: ['src/worker/client', 'src/worker/host', 'src/worker/transfer', 'src/ui/format'],
    types: [COMMANDS, 'src/worker/protocol'],
    packages: ['valibot'],
  },
  {
    home: 'src/ui/state',
    may: [CONFIG, 'src/worker/client', 'src/ui/format', 'src/ui/storage'],
    types: [COMMANDS, 'src/worker/protocol'],
    packages: ['zustand'],
  },
  { home: 'src/ui/components', may: LOOKS, packages: ['react', 'react-aria-components'] },
  {
    home: 'src/ui/controls',
    may: [CONFIG, ...LOOKS, 'src/ui/components'],
    packages: ['react', 'react-aria-components'],
  },
  {
    home: 'src/ui/live',
    may: [CONFIG, ...LOOKS, 'src/ui/components', 'src/ui/state'],
    types: [COMMANDS],
    packages: ['react', 'react-dom', 'zustand'],
  },
  {
    home: 'src/ui/charts',
    may: [CONFIG, ...LOOKS, 'src/ui/state', 'src/ui/live'],
    types: [COMMANDS],
    packages: ['react', 'recharts'],
  },
  // The bar links to the panels, which know neither it nor the rail.
  ...['bar', 'rail', 'pages', 'panels'].map((part) => ({
    home: `src/ui/${part}`,
    may: [...BASE, ...LOOKS, ...PARTS, ...(part === 'bar' ? ['src/ui/panels'] : [])],
    types: [COMMANDS],
    packages: ['react', 'react-aria-components'],
  })),
  { home: 'src/ui', packages: ['react', 'react-dom'] },
];

/** Names that a page or a worker has and an engine must be handed. */
const PAGE_GLOBALS = new Set(
  `navigator window document self location history screen alert fetch caches indexedDB localStorage
   sessionStorage postMessage onmessage importScripts requestAnimationFrame XMLHttpRequest WebSocket
   Worker SharedWorker OffscreenCanvas Image`.split(/\s+/),
);

/**
 * @param {string} file path from the root
 * @param {string} source
 * @returns {string[]} one line for each crossing
 */
export function crossings(file, source) {
  const area = AREAS.find(({ home }) => isIn(file, home));
  if (!area) return [`${file}: belongs to no area of scripts/borders.mjs`];
  const tree = parseAst(source, { lang: file.endsWith('x') ? 'tsx' : 'ts' });
  const found = importsOf(tree).flatMap(({ from, isType }) => {
    const why = refusal(area, file, from, isType);
    return why ? [`${file}: ${why}`] : [];
  });
  if (!isIn(file, 'src/engine')) return found;
  const globals = [...freeNames(tree)].filter((name) => PAGE_GLOBALS.has(name));
  return [...found, ...globals.map((name) => `${file}: the engine names the global ${name}`)];
}

/**
 * @param {Area} area
 * @param {string} file
 * @param {string} from as written in the import
 * @param {boolean} isType
 * @returns {string | undefined}
 */
function refusal(area, file, from, isType) {
  if (!/^[.@]\.?\.?\//.test(from)) {
    const name = from
      .split('/')
      .slice(0, from.startsWith('@') ? 2 : 1)
      .join('/');
    return isType || area.packages?.includes(name) ? undefined : `may not use the package ${name}`;
  }
  const target = from.startsWith('@/') ? join('src', from.slice(2)) : join(dirname(file), from);
  const isOwn = isIn(target, area.home) && areaOf(target) === area;
  if (isOwn) return undefined;
  const allowed = [...(area.may ?? []), ...(isType ? (area.types ?? []) : [])];
  // The engine's own root and train/ stand above all its other folders, as ui/ stands above its own.
  const isBelow = isIn(target, area.home) && target !== 'src/engine/node';
  if (!isBelow && !allowed.some((home) => isIn(target, home))) {
    return `may not import ${target}${isType ? '' : ' (as a value)'}`;
  }
  return from.startsWith('../') ? `write ${from} from @/, so that the border shows` : undefined;
}

/**
 * The source with every import across a border written from `@/`.
 *
 * @param {string} file
 * @param {string} source
 */
export const rewritten = (file, source) =>
  source.replace(/(?<=from ')\.\.\/[^']+(?=')/g, (from) => {
    const target = join(dirname(file), from);
    return areaOf(target) === areaOf(file) ? from : target.replace(/^src\//, '@/');
  });

/** @param {string} path */
const areaOf = (path) => AREAS.find(({ home }) => isIn(path, home));

/**
 * @param {string} path
 * @param {string} home a folder, or a file without its ending
 */
const isIn = (path, home) =>
  path === home || path.startsWith(`${home}/`) || path.startsWith(`${home}.`);

/** Every source file with what it may not do; the exit status says whether there was any. */
function check() {
  const files = readdirSync(`${ROOT}src`, { recursive: true })
    .map((name) => join('src', String(name).replaceAll('\\', '/')))
    .filter((file) => /\.tsx?$/.test(file))
    .sort();
  if (process.argv.includes('--fix')) {
    for (const file of files) {
      const source = readFileSync(join(ROOT, file), 'utf8');
      const better = rewritten(file, source);
      if (better !== source) writeFileSync(join(ROOT, file), better);
    }
  }
  const found = files.flatMap((file) => crossings(file, readFileSync(join(ROOT, file), 'utf8')));
  for (const line of found) say(line);
  say(`${files.length} files, ${found.length} imports the wrong way`);
  process.exitCode = found.length > 0 ? 1 : 0;
}

if (isMain(import.meta.url)) check();
