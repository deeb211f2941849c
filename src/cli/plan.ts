/** @file `lab plan`: the exact sizes of an experiment. No device is asked. */
import {
  domainIds,
  encodeLink,
  type MemoryLimits,
  type Plan,
  planRun,
  resolve,
  type Settings,
  withValue,
} from '@/engine/index';
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
  summary: 'Tells parameters, operations a token, KV cache and memory by class, without a device.',
  subject: 'experiment',
  options: {
    ...setOption,
    json: { help: 'Write one JSON object instead of a table.' },
  },
  async run(input, { stdout }) {
    const experiment = readExperiment(input);
    const values = resolve(experiment);
    const sizes = planRun(values, NO_LIMITS, domainIds.length);
    if (input.options.has('json')) {
      const { preset } = experiment;
      stdout.write(`${JSON.stringify({ preset, link: encodeLink(experiment), ...sizes })}\n`);
      return exitCodes.done;
    }
    const rows = [...rowsOf(sizes), ...recomputedRows(values)];
    const width = Math.max(...rows.map(([name]) => name.length));
    for (const [name, value] of rows) stdout.write(`${name.padEnd(width)}  ${value}\n`);
    return exitCodes.done;
  },
};

function rowsOf({ flopsPerToken, kvCache, bytes, ...counts }: Plan): [string, string][] {
  return [
    ['parameters', grouped(counts.parameterCount)],
    ['active for a token', grouped(counts.activeParameterCount)],
    ['tokens a step', grouped(counts.tokensPerStep)],
    ['FLOPs a token, forward', grouped(flopsPerToken.forward)],
    ['FLOPs a token, training', grouped(flopsPerToken.training)],
    ['KV cache a token', bytesOf(kvCache.bytesPerToken)],
    ['KV cache a token, beyond every window', bytesOf(kvCache.growingBytesPerToken)],
    ['KV cache at the training context', bytesOf(kvCache.contextBytes)],
    ...Object.entries(bytes).map(([name, size]): [string, string] => [
      name === 'total' ? 'memory in all' : name,
      bytesOf(size),
    ]),
  ];
}

/** What activation checkpointing would make of the memory, where the run is without it. */
function recomputedRows(values: Settings): [string, string][] {
  if (values.run.activationCheckpointing) return [];
  const recomputed = withValue(values, 'run.activationCheckpointing', true);
  const { bytes } = planRun(recomputed, NO_LIMITS, domainIds.length);
  return [
    ['activations, blocks recomputed', bytesOf(bytes.activations)],
    ['memory in all, blocks recomputed', bytesOf(bytes.total)],
  ];
}

const bytesOf = (bytes: number): string => `${grouped(bytes)} bytes (${byteSize(bytes)})`;
