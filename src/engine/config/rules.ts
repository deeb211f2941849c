/** @file What settings may stand together: ranges of single rows first, then rules across rows. */
import { refusal } from './field';
import { isGlobalLayer, isRotaryLayer, kvOwner } from './layers';
import { type SettingPath, type Settings, settingRows, valueAt } from './settings';

export interface Complaint {
  readonly path: SettingPath;
  readonly message: string;
}

/** Everything wrong with `values`; a message names both values where two rows disagree. */
export function complaints(values: Settings): Complaint[] {
  const found = settingRows.flatMap(([path, field]): Complaint[] => {
    const value = valueAt(values, path);
    const why = refusal(field, value);
    return why ? [{ path, message: `${why}, got ${String(value)}` }] : [];
  });
  if (found.length > 0) return found;
  return [...modelRules(values), ...dataRules(values), ...scheduleRules(values)].flatMap(
    ([path, holds, message]) => (holds ? [] : [{ path, message }]),
  );
}

type Rule = readonly [path: SettingPath, holds: boolean, message: string];

function modelRules({ model }: Settings): Rule[] {
  return [
    [
      'model.expertsPerToken',
      model.expertsPerToken <= model.expertCount,
      `${model.expertsPerToken} is over model.expertCount (${model.expertCount})`,
    ],
    [
      'model.kvHeadCount',
      model.headCount % model.kvHeadCount === 0,
      `${model.kvHeadCount} does not divide model.headCount (${model.headCount})`,
    ],
    [
      'model.headWidth',
      model.headWidth % 2 === 0,
      `${model.headWidth} is odd; rotary positions turn pairs`,
    ],
    [
      'model.denseLayerCount',
      model.denseLayerCount <= model.layerCount,
      `${model.denseLayerCount} is over model.layerCount (${model.layerCount})`,
    ],
    [
      'model.layerTypes',
      /^[LG]*$/.test(model.layerTypes),
      `want the letters L and G, got ${model.layerTypes}`,
    ],
    [
      'model.ropeAlpha',
      model.ropeAlpha === 1 || model.headWidth > 2,
      `${model.ropeAlpha} needs a model.headWidth over 2, got ${model.headWidth}`,
    ],
    [
      'model.overflow',
      model.overflow === 'keep' || model.expertsPerToken === 1,
      `${model.overflow} needs model.expertsPerToken 1, got ${model.expertsPerToken}`,
    ],
    sharedPositions(model),
  ];
}

/** A layer that takes another's keys must turn its queries as those keys were turned. */
function sharedPositions(model: Settings['model']): Rule {
  const layers = Array.from({ length: model.layerCount }, (_, layer) => layer);
  const odd = layers.find(
    (layer) => isRotaryLayer(model, layer) !== isRotaryLayer(model, kvOwner(model, layer)),
  );
  const owner = odd === undefined ? 0 : kvOwner(model, odd);
  const kind = (layer: number) => (isGlobalLayer(model, layer) ? 'global' : 'local');
  return [
    'model.kvShare',
    odd === undefined,
    `${model.kvShare} gives layer ${odd ?? 0} (${kind(odd ?? 0)}) the keys of layer ${owner} (${kind(owner)}), ` +
      `but model.positions (${model.positions}) turns only one of the two`,
  ];
}

function dataRules({ data, phase2, phase3, model }: Settings): Rule[] {
  const later = [phase2, phase3].filter(({ startsAt }) => startsAt > 0);
  const texts = textCount([data, ...later]);
  const isEmpty = (weights: Omit<Settings['phase2'], 'startsAt'>) =>
    weights.novelWeight +
      weights.speechesWeight +
      weights.codeWeight +
      weights.arithmeticWeight +
      weights.recallWeight +
      weights.ownTextWeight ===
    0;
  const why = 'every share of the mixture is 0; one must be over 0';
  return [
    ['data.novelWeight', !isEmpty(data), why],
    ['phase2.novelWeight', phase2.startsAt === 0 || !isEmpty(phase2), why],
    ['phase3.novelWeight', phase3.startsAt === 0 || !isEmpty(phase3), why],
    [
      'phase3.startsAt',
      phase3.startsAt === 0 || (phase2.startsAt > 0 && phase3.startsAt > phase2.startsAt),
      `${phase3.startsAt} is not after phase2.startsAt (${phase2.startsAt})`,
    ],
    [
      'data.rsdbWorkers',
      data.order === 'sequential' || data.rsdbDocuments % data.rsdbWorkers === 0,
      `${data.rsdbWorkers} does not divide data.rsdbDocuments (${data.rsdbDocuments})`,
    ],
    [
      'data.rsdbDocuments',
      data.order === 'sequential' || data.rsdbDocuments >= data.rsdbWorkers * texts,
      `${data.rsdbDocuments} is under one for each text of the mixture (${texts}) and each of data.rsdbWorkers (${data.rsdbWorkers})`,
    ],
    [
      'data.utkShare',
      data.utkShare === 0 || model.vocabSize >= 256,
      `${data.utkShare} needs sentinel bytes, so a model.vocabSize of at least 256, got ${model.vocabSize}`,
    ],
  ];
}

type TextWeights = Pick<
  Settings['data'],
  'novelWeight' | 'speechesWeight' | 'codeWeight' | 'ownTextWeight'
>;

/** Texts that have a share of any of the mixtures; the generated domains are none. */
function textCount(mixtures: readonly TextWeights[]): number {
  const weights = ['novelWeight', 'speechesWeight', 'codeWeight', 'ownTextWeight'] as const;
  return weights.filter((weight) => mixtures.some((mixture) => mixture[weight] > 0)).length;
}

function scheduleRules({ schedule }: Settings): Rule[] {
  const { decay, decayStart, totalSteps, secondDecay, secondEnd, growAt, growAgainAt } = schedule;
  return [
    [
      'schedule.totalSteps',
      decay === 'none' || totalSteps > decayStart,
      `${totalSteps} is not after schedule.decayStart (${decayStart})`,
    ],
    [
      'schedule.secondDecay',
      secondDecay === 'none' || decay !== 'none',
      `${secondDecay} follows a first decay, but schedule.decay is ${decay}`,
    ],
    [
      'schedule.secondEnd',
      secondDecay === 'none' || secondEnd > totalSteps,
      `${secondEnd} is not after schedule.totalSteps (${totalSteps})`,
    ],
    [
      'schedule.growAgainAt',
      growAgainAt === 0 || (growAt > 0 && growAgainAt > growAt),
      `${growAgainAt} is not after schedule.growAt (${growAt})`,
    ],
  ];
}
