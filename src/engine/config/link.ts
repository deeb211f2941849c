/**
 * @file An experiment as the text after the `#` of a link, and back: `v1.` and the letters of linkText.ts, which
 * hold the JSON of experimentData.ts in that version.
 */
import { ConfigError, type Experiment } from './experiment';
import {
  asExperimentData,
  dataOfExperiment,
  EXPERIMENT_VERSION,
  type ExperimentData,
  experimentOfData,
} from './experimentData';
import { LinkError, packText, unpackText } from './linkText';

/** Longest text that is written or looked at, in letters. */
export const MAX_LINK_LETTERS = 64 * 1024;
/** Most live changes that a link holds. */
export const MAX_LINK_CHANGES = 1000;
/** Longest part of a link's own words that a message repeats, in letters. */
const MAX_QUOTED_LETTERS = 160;

/**
 * The text of an experiment, `v1.…`, without the `#`. Equal experiments give equal texts.
 * @throws {ConfigError} where the experiment cannot be, {LinkError} where it is too long for a link.
 */
export function encodeLink(experiment: Experiment): string {
  const data = dataOfExperiment(experiment);
  const { length } = data[2];
  if (length > MAX_LINK_CHANGES) {
    throw new LinkError(`It has ${length} live changes; a link holds ${MAX_LINK_CHANGES}.`);
  }
  const text = `v${EXPERIMENT_VERSION}.${packText(JSON.stringify(data))}`;
  if (text.length > MAX_LINK_LETTERS) throw tooLong(text);
  return text;
}

/**
 * The experiment of a link, or one or two short sentences for a person on why there is none. Takes
 * any text whatever, with or without the `#`; never throws, and never uses a part of a bad link.
 */
export function decodeLink(hash: string): { experiment: Experiment } | { error: string } {
  try {
    return { experiment: experimentOfData(dataOf(hash.startsWith('#') ? hash.slice(1) : hash)) };
  } catch (error) {
    if (!(error instanceof LinkError || error instanceof ConfigError)) throw error;
    const why =
      error instanceof LinkError
        ? error.message
        : `It asks for something that cannot be: ${quotable(error.message)}.`;
    return { error: `${why} Nothing of it was used; this is the default experiment.` };
  }
}

/** The data of a text of any version, brought to this one. */
function dataOf(text: string): ExperimentData {
  if (text.length > MAX_LINK_LETTERS) throw tooLong(text);
  const parts = /^v([1-9]\d{0,3})\.(.*)$/s.exec(text);
  if (!parts) {
    const isBeginning = /^(v\d{0,4})?$/.test(text);
    throw new LinkError(
      isBeginning
        ? 'It ends before it says anything, so it was probably cut when it was copied.'
        : 'It is not a link of Trinity Lab.',
    );
  }
  const version = Number(parts[1]);
  if (version > EXPERIMENT_VERSION) {
    throw new LinkError('This link was made by a newer version of Trinity Lab.');
  }
  const data = asExperimentData(version, jsonOf(unpackText(parts[2]!)));
  if (!data || data[2].length > MAX_LINK_CHANGES) throw notAnExperiment();
  return data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notAnExperiment();
  }
}

const tooLong = ({ length }: string) =>
  new LinkError(`It is ${length} letters long; a link has at most ${MAX_LINK_LETTERS}.`);

const notAnExperiment = () => new LinkError('It does not hold an experiment.');

/** Words of a link's own, short and without letters that steer the text around them. */
function quotable(words: string): string {
  const plain = words.replace(/\p{C}/gu, '');
  return plain.length > MAX_QUOTED_LETTERS ? `${plain.slice(0, MAX_QUOTED_LETTERS)}…` : plain;
}
