/** @file `lab plan`: the exact sizes of an experiment. No device is asked. */
import { domainIds, encodeLink, type MemoryLimits, planRun, resolve } from '@/engine/index';
import { type Command, exitCodes } from './command';
import { byteSize, grouped } from './numbers';
import { readExperiment } from './readExperiment';
import { setOption } from './setOption';

/** Sizes are told whether or not some adapter could hold them. */
const NO_LIMITS: MemoryLimits = {
  maxBufferBytes: Number.MAX_SAFE_INTEGER,
  maxBindingBytes: Number.MAX_SAFE_INTEGER,
};

export const plan: Command = {
  name: 'plan',
  summary:
    'Tells parameters, memory by class and tokens a step of an experiment, without a device.',
  options: {
    ...setOption,
    json: { help: 'Write one JSON object instead of a table.' },
  },
  async run(input, { stdout }) {
    const experiment = readExperiment(input);
    const sizes = planRun(resolve(experiment), NO_LIMITS, domainIds.length);
    if (input.options.has('json')) {
      const { parameterCount, activeParameterCount, tokensPerStep, bytes } = sizes;
      const told = { parameterCount, activeParameterCount, tokensPerStep, bytes };
      const { preset } = experiment;
      stdout.write(`${JSON.stringify({ preset, link: encodeLink(experiment), ...told })}\n`);
      return exitCodes.done;
    }
    const rows: [string, string][] = [
      ['parameters', grouped(sizes.parameterCount)],
      ['active for a token', grouped(sizes.activeParameterCount)],
      ['tokens a step', grouped(sizes.tokensPerStep)],
      ...Object.entries(sizes.bytes).map(([name, bytes]): [string, string] => [
        name === 'total' ? 'memory in all' : name,
        `${grouped(bytes)} bytes (${byteSize(bytes)})`,
      ]),
    ];
    const width = Math.max(...rows.map(([name]) => name.length));
    for (const [name, value] of rows) stdout.write(`${name.padEnd(width)}  ${value}\n`);
    return exitCodes.done;
  },
};
