/** @file What other trainers do otherwise than a run did, a line each; only what the run used. For a README. */
import type { Settings } from '@/engine/config/settings';
import { leavesSecondDecayOut, roundedRate, scheduleAhead } from './scheduleAhead';

type Line = readonly [isSo: boolean, line: string];

/** @param step finished steps of the run. */
export const differencesToTransformers = (settings: Settings, step: number): string[] =>
  asList([...everywhere(settings, step), ...inTransformers(settings, step)]);

/** @param step finished steps of the run. */
export const differencesToTorchtitan = (settings: Settings, step: number): string[] =>
  asList([...everywhere(settings, step), ...inTorchtitan(settings, step)]);

const asList = (lines: Line[]): string[] =>
  lines.flatMap(([isSo, line]) => (isSo ? [`- ${line}`] : []));

function everywhere({ model, optimizer, schedule, balance, loss }: Settings, step: number): Line[] {
  const growsAt = [schedule.growAt, schedule.growAgainAt].find((at) => at > step);
  return [
    [
      optimizer.hidden === 'muon',
      `Hidden matrices were moved by Muon (rate ${optimizer.muonLearningRate}, momentum ${optimizer.muonMomentum}); there AdamW moves everything, at the rate of what it moved here.`,
    ],
    [
      true,
      `Moments of the optimizer${balance.kind === 'smebu' ? ' and momenta of the balancer' : ''} are not carried over: they start at 0.`,
    ],
    [
      loss.sequenceBalance > 0 || loss.switchBalance > 0 || loss.zWeight > 0,
      `Losses beside the cross-entropy are left out: z ${loss.zWeight}, sequence balance ${loss.sequenceBalance}, Switch balance ${loss.switchBalance}.`,
    ],
    [
      balance.kind === 'forced',
      'Tokens were dealt to the experts in turn, whatever the router said; there the router chooses.',
    ],
    [
      optimizer.expertRate !== 'same',
      'Routed experts had a rate of their own; there they have that of everything else.',
    ],
    [
      leavesSecondDecayOut(schedule, step),
      `A second decay to ${schedule.secondRatio} of the peak, by step ${schedule.secondEnd} of the run, is left out.`,
    ],
    [growsAt !== undefined, `The batch was to grow at step ${growsAt}; there it stays as it is.`],
    [
      model.linearPrecision !== 'f32',
      'What went into products was rounded as MXFP8 hardware would; there it is float32.',
    ],
  ];
}

function inTransformers({ model, data, optimizer, schedule }: Settings, step: number): Line[] {
  const { adamwWeightDecay, embeddingWeightDecay, normWeightDecay } = optimizer;
  const { warmupSteps, level, decay } = scheduleAhead(schedule, step);
  return [
    [
      embeddingWeightDecay !== adamwWeightDecay || normWeightDecay !== 0,
      `The weight decay of embedding and head was ${embeddingWeightDecay}, that of gains ${normWeightDecay}; there it is ${adamwWeightDecay} for all matrices and 0 for gains.`,
    ],
    [
      warmupSteps > 0,
      `Of the warm-up ${warmupSteps} steps are left; there they start from ${decay ? roundedRate(decay.to / level) : 0} of the peak.`,
    ],
    [
      data.intraDocumentMask,
      'Documents were masked from each other; there all of a sequence is one text.',
    ],
    [
      model.overflow !== 'keep',
      `Experts took at most ${model.capacityFactor} times their share of the tokens; those of the release take as many as come.`,
    ],
  ];
}

function inTorchtitan({ model, data, schedule, balance }: Settings, step: number): Line[] {
  const { decay } = scheduleAhead(schedule, step);
  return [
    [
      balance.kind !== 'sign',
      `${balance.kind === 'smebu' ? 'Biases were moved by SMEBU' : 'Biases were left where they are'}; torchtitan has the sign rule, by \`load_balance_coeff\` of config.json.`,
    ],
    [
      decay?.shape === 'cosine' && decay.startsIn < 0,
      'A cosine decay was under way; there another one starts from the rate that it has come to.',
    ],
    [
      data.intraDocumentMask,
      'Documents were masked from each other: the backend does so with `attn_mask_type` "block_causal".',
    ],
    [
      model.family === 'trinity',
      'torchtitan has not listed `afmoe` among the models that it tests: compare the first losses with those of the lab.',
    ],
  ];
}
