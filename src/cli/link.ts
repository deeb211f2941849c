/** @file `lab link`: the text that holds an experiment, as it stands after the # of the page's address. */
import { encodeLink } from '@/engine/index';
import { type Command, exitCodes } from './command';
import { readExperiment } from './readExperiment';
import { setOption } from './setOption';

export const link: Command = {
  name: 'link',
  summary: 'Prints the experiment as the text that follows the # in an address of the lab.',
  subject: 'experiment',
  options: setOption,
  async run(input, { stdout }) {
    stdout.write(`${encodeLink(readExperiment(input))}\n`);
    return exitCodes.done;
  },
};
