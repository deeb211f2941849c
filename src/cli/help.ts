/** @file The help texts: of the whole lab and of one command, with every setting from the table. */
import type { Field } from '@/engine/config/field';
import { settingRows } from '@/engine/config/settings';
import { presets } from '@/engine/index';
import type { Command, Option, Subject } from './command';

const EXPERIMENT = `EXPERIMENT is a preset (${presets.map(({ id }) => id).join(', ')}),
a link or the part of it after the #, or a JSON file:
  { "preset": "micro", "changes": { "data": { "recallWeight": 1 } },
    "timeline": [{ "step": 100, "path": "balance.kind", "to": "sign" }] }`;

const FOLDER = `DIR is a checkpoint: a Hugging Face folder (config.json, safetensors) of the Trinity, Hunyuan-Large or
dots.llm1 family. One that the lab saved holds the state of its run besides.`;

const EXIT_CODES = `Exit codes: 0 done, 1 the run failed, 2 the arguments cannot be, 130 interrupted.`;

/** @param commands in the order in which they are listed */
export function generalHelp(commands: readonly Command[]): string {
  return `Trinity Lab without a page: the same engine, headless.

Usage: npm run -s lab -- COMMAND EXPERIMENT|DIR [options]

${columns(commands.map(({ name, subject, summary }) => [`${name} ${placeholders[subject]}`, summary]))}

lab COMMAND --help tells a command's options, and every setting where it takes an experiment.

${EXPERIMENT}

${FOLDER}

${EXIT_CODES}
`;
}

export function commandHelp({ name, summary, subject, details, options }: Command): string {
  const rows = Object.entries(options).map(([option, described]): [string, string] => [
    optionWords(option, described),
    described.help,
  ]);
  const paragraphs = [
    summary,
    `Usage: npm run -s lab -- ${name} ${placeholders[subject]} [options]`,
    columns([...rows, ['--help', 'This text.']]),
    ...(details === undefined ? [] : [details]),
    ...(subject === 'folder' ? [FOLDER] : [EXPERIMENT]),
    EXIT_CODES,
    ...('set' in options ? [settingsHelp()] : []),
  ];
  return `${paragraphs.join('\n\n')}\n`;
}

const placeholders: Readonly<Record<Subject, string>> = { experiment: 'EXPERIMENT', folder: 'DIR' };

const settingsHelp = (): string => `Settings for --set, with their defaults before the preset:

${columns(settingRows.map(([path, field]) => [`${path}=${field.default}`, `${rangeOf(field)}. ${field.help}`]))}`;

const optionWords = (name: string, { value }: Option): string =>
  value ? `--${name} ${value}` : `--${name}`;

function rangeOf(field: Field): string {
  switch (field.kind) {
    case 'int':
    case 'float':
      return `${field.min} to ${field.max} ${field.unit}`.trimEnd();
    case 'choice':
      return field.options.join(', ');
    case 'bool':
      return 'true, false';
    case 'text':
      return `up to ${field.maxLength} letters`;
  }
}

/** Two columns, the first as wide as its widest cell. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`).join('\n');
}
