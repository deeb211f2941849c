/** @file The text of docs/settings.md, from the settings table. */
import type { Field } from '@/engine/config/field';
import { settings } from '@/engine/config/settings';

const HEAD = `# Settings

Every setting of a run, with its range and default. Generated from
\`src/engine/config/rows/\` by \`npm run docs\`; change it there.

A **live** setting takes effect at the next step of a running run. Any other starts a new run.
"Trinity" is the Arcee Trinity Large technical report, arXiv:2602.17004.
`;

/** Title of each group of rows. */
const TITLES: Readonly<Record<keyof typeof settings, string>> = {
  model: 'Model',
  data: 'Data',
  phase2: 'Mixture, phase 2',
  phase3: 'Mixture, phase 3',
  optimizer: 'Optimizer',
  schedule: 'Schedule',
  balance: 'Balance',
  loss: 'Loss',
  probes: 'Probes',
  run: 'Run',
};

/** Markdown, with a line end at its end. */
export function settingsDocs(): string {
  const sections = Object.entries(settings).map(([group, fields]) => {
    const rows = Object.entries(fields).map(([name, field]) => row(`${group}.${name}`, field));
    return [
      `## ${TITLES[group as keyof typeof settings]}`,
      '',
      '| setting | | default | range | live | what it does |',
      '|---|---|---|---|---|---|',
      ...rows,
      '',
    ].join('\n');
  });
  return [HEAD, ...sections].join('\n');
}

function row(path: string, field: Field): string {
  const source = field.source ? ` (${field.source})` : '';
  const cells = [
    `\`${path}\``,
    field.label,
    defaultOf(field),
    rangeOf(field),
    field.live ? 'yes' : '',
    `${field.help}${optionsOf(field)}${source}`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaultOf(field: Field): string {
  if (field.kind === 'bool') return field.default ? 'on' : 'off';
  if (field.kind === 'text') return `\`${field.default}\``;
  const unit = 'unit' in field && field.unit !== '' ? ` ${field.unit}` : '';
  return `${field.default}${unit}`;
}

function rangeOf(field: Field): string {
  switch (field.kind) {
    case 'int':
    case 'float':
      return `${field.min} to ${field.max}`;
    case 'bool':
      return 'on, off';
    case 'text':
      return `up to ${field.maxLength} letters`;
    case 'choice':
      return field.options.join(', ');
  }
}

function optionsOf(field: Field): string {
  if (field.kind !== 'choice' || !field.optionHelp) return '';
  return Object.entries(field.optionHelp)
    .map(([option, help]) => ` *${option}*: ${help}`)
    .join('');
}
