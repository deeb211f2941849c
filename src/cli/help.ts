/** @file The help texts: of the whole lab and of one command, with every setting from the table. */
import type { Field } from '@/engine/config/field';
import { settingRows } from '@/engine/config/settings';
import { presets } from '@/engine/index';
import type { Command, Option } from './command';

const EXPERIMENT = `EXPERIMENT is a preset (${presets.map(({ id }) => id).join(', ')}),
a link or the part of it after the #, or a JSON file:
  { "preset": "micro", "changes": { "data": { "recallWeight": 1 } },
    "timeline": [{ "step": 100, "path": "balance.kind", "to": "sign" }] }`;

const EXIT_CODES = `Exit codes: 0 done, 1 the run failed, 2 the arguments cannot be, 130 interrupted.`;

/** @param commands in the order in which they are listed */
export function generalHelp(commands: readonly Command[]): string {
  return `Trinity Lab without a page: the same engine, headless.

Usage: npm run -s lab -- COMMAND EXPERIMENT [options]

${columns(commands.map(({ name, summary }) => [name, summary]))}

lab COMMAND --help tells a command's options and every setting.

${EXPERIMENT}

${EXIT_CODES}
`;
}

export function commandHelp({ name, summary, options }: Command): string {
  const rows = Object.entries(options).map(([option, described]): [string, string] => [
    optionWords(option, described),
    described.help,
  ]);
  return `${summary}

Usage: npm run -s lab -- ${name} EXPERIMENT [options]

${columns([...rows, ['--help', 'This text.']])}

${EXPERIMENT}

${EXIT_CODES}

Settings for --set, with their defaults before the preset:

${columns(settingRows.map(([path, field]) => [`${path}=${field.default}`, `${rangeOf(field)}. ${field.help}`]))}
`;
}

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
